import { EventEmitter } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';

import { HoldfastError } from '@holdfast/protocol';
import { pino } from 'pino';
import { describe, expect, test, vi } from 'vitest';

import { readInvitation } from '../src/service/enrol.ts';
import { makeLog } from '../src/service/log.ts';
import { makeNotify } from '../src/service/notify.ts';
import { type Running, runService, type Surroundings } from '../src/service/run.ts';
import { inTemporaryDirectory } from './run-holdfast.ts';

function surroundings(environment: Readonly<Record<string, string>> = {}): Surroundings & {
  readonly told: string[];
  readonly process: EventEmitter;
  readonly exit: ReturnType<typeof vi.fn<(code: number) => void>>;
} {
  const told: string[] = [];
  const notify = makeNotify(environment, async (assignments) => told.push(...assignments));
  return {
    told,
    notify,
    log: pino({ level: 'silent' }),
    process: new EventEmitter(),
    exit: vi.fn<(code: number) => void>(),
  };
}

const never = new Promise<never>(() => undefined);

function service(parts: Partial<Running> = {}): Running {
  return { url: 'http://127.0.0.1:8002', stop: async () => {}, healthy: async () => true, failed: never, ...parts };
}

async function logged(format: string, entry: object): Promise<string> {
  const stream = new PassThrough();
  makeLog({ 'log.level': 'info', 'log.format': format }, stream).info(entry, 'hello');
  stream.end();
  return text(stream);
}

describe('running a service', () => {
  test('the service manager hears ready, then stopping, and the process ends with 0', async () => {
    const around = surroundings({ NOTIFY_SOCKET: '/run/notify' });
    const ended = runService(async () => service(), around);
    await vi.waitFor(() => expect(around.told).toContain('READY=1'));
    around.process.emit('SIGTERM', 'SIGTERM');
    await ended;
    expect(around.told).toEqual(['READY=1', 'STATUS=serving http://127.0.0.1:8002', 'STOPPING=1', 'STATUS=stopping']);
    expect(around.exit.mock.calls).toEqual([[0]]);
  });

  test('a signal during the start stops the service once it has started', async () => {
    const around = surroundings();
    const stop = vi.fn<() => Promise<void>>(async () => {});
    const started = Promise.withResolvers<Running>();
    const ended = runService(() => started.promise, around);
    around.process.emit('SIGINT', 'SIGINT');
    started.resolve(service({ stop }));
    await ended;
    expect(stop).toHaveBeenCalledOnce();
  });

  test('a second signal ends the process at once', async () => {
    const around = surroundings();
    const stopping = Promise.withResolvers<void>();
    const ended = runService(async () => service({ stop: () => stopping.promise }), around);
    around.process.emit('SIGTERM', 'SIGTERM');
    expect(around.exit).not.toHaveBeenCalled();
    around.process.emit('SIGTERM', 'SIGTERM');
    expect(around.exit).toHaveBeenCalledWith(1);
    stopping.resolve();
    await ended;
  });

  test('a failure nobody caught ends the process with 1', async () => {
    const around = surroundings();
    const ended = runService(async () => service(), around);
    around.process.emit('unhandledRejection', new Error('lost'));
    expect(around.exit).toHaveBeenCalledWith(1);
    around.process.emit('SIGTERM', 'SIGTERM');
    await ended;
  });

  test('a disk that failed ends the process with 74, also when the service cannot stop any more', async () => {
    const around = surroundings();
    const stop = vi.fn<() => Promise<void>>(() => never);
    await runService(async () => service({ stop, failed: Promise.resolve() }), around);
    expect(stop).toHaveBeenCalledOnce();
    expect(around.exit.mock.calls).toEqual([[74]]);
  });

  test('a disk that fails while the service stops ends the process with 74', async () => {
    const around = surroundings();
    const failing = Promise.withResolvers<void>();
    const stop = async (): Promise<void> => failing.resolve();
    const ended = runService(async () => service({ stop, failed: failing.promise }), around);
    around.process.emit('SIGTERM', 'SIGTERM');
    await ended;
    expect(around.exit.mock.calls).toEqual([[74]]);
  });

  test('a failed start is the caller to tell, and nothing is ready', async () => {
    const around = surroundings({ NOTIFY_SOCKET: '/run/notify' });
    const locked = new HoldfastError('directory-locked', 'in use');
    await expect(runService(() => Promise.reject(locked), around)).rejects.toBe(locked);
    expect(around.told).toEqual([]);
  });

  test('the watchdog is told while the service is healthy and not when it is not', async () => {
    const around = surroundings({ NOTIFY_SOCKET: '/run/notify', WATCHDOG_USEC: '10000' });
    const checks = [true, false, true];
    const asked = vi.fn<() => Promise<boolean>>(async () => checks.shift() ?? false);
    const ended = runService(async () => service({ healthy: asked }), around);
    await vi.waitFor(() => expect(asked.mock.calls.length).toBeGreaterThan(4));
    around.process.emit('SIGTERM', 'SIGTERM');
    await ended;
    expect(around.told.filter((line) => line === 'WATCHDOG=1')).toHaveLength(2);
  });

  test('without a service manager nothing is told', async () => {
    const around = surroundings({ WATCHDOG_USEC: '10000' });
    const ended = runService(async () => service(), around);
    around.process.emit('SIGTERM', 'SIGTERM');
    await ended;
    expect(around.told).toEqual([]);
  });
});

describe('the log', () => {
  test('is JSON where there is no terminal', async () => {
    expect(JSON.parse(await logged('auto', { agent: 'recruiter' }))).toMatchObject({
      agent: 'recruiter',
      msg: 'hello',
    });
  });

  test.each(['json', 'pretty'])('never shows secrets and documents, as %s', async (format) => {
    const shown = await logged(format, {
      token: 'hunter2',
      request: { headers: { authorization: 'Bearer hunter2' }, body: 'hunter2' },
      change: { doc: { name: 'hunter2' } },
    });
    expect(shown).toContain('hello');
    expect(shown).not.toContain('hunter2');
  });

  test('leaves out what is below its level', async () => {
    const stream = new PassThrough();
    const log = makeLog({ 'log.level': 'warn', 'log.format': 'json' }, stream);
    log.info('quiet');
    log.warn('loud');
    stream.end();
    expect(await text(stream)).not.toContain('quiet');
  });
});

describe('an invitation as a systemd credential', () => {
  test('is what `holdfast invite --json` prints', async () => {
    await inTemporaryDirectory((directory) => {
      const printed = {
        token: 't',
        node: 'n',
        name: 'n',
        relay: 'http://htpc:8001',
        expires_at: '2026-11-20T10:15:00.000Z',
      };
      writeFileSync(join(directory, 'holdfast.invitation'), JSON.stringify(printed));
      expect(readInvitation({ CREDENTIALS_DIRECTORY: directory })).toEqual({
        relay: 'http://htpc:8001',
        name: 'n',
        token: 't',
      });
    });
  });

  test('may be missing, but not be something else, and is never quoted', async () => {
    await inTemporaryDirectory((directory) => {
      mkdirSync(join(directory, 'empty'));
      expect(readInvitation({ CREDENTIALS_DIRECTORY: join(directory, 'empty') })).toBeUndefined();
      expect(readInvitation({})).toBeUndefined();
      writeFileSync(join(directory, 'holdfast.invitation'), 'hunter2');
      expect(() => readInvitation({ CREDENTIALS_DIRECTORY: directory })).toThrow(
        /^(?!.*hunter2).*needs relay, name and token$/,
      );
    });
  });
});
