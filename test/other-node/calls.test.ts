import { once } from 'node:events';

import type { CallHandlers } from '@holdfast/daemon';
import { HoldfastError, limits } from '@holdfast/protocol';
import { eventually } from '@holdfast/testkit';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';

import { CallNetwork, CallNode } from './call-network.ts';

const LIMIT_MS = 60_000;

const echo: CallHandlers = { echo: async (from, body) => ({ from, body }) };

describe('a call to another node', () => {
  test('comes with who asks, as the relay and the asking node say, and its answer comes back', async () => {
    await using network = await CallNetwork.start();
    await network.node('commander', echo);
    const worker = await network.node('worker');
    const body = { task: 't-1', list: [1, null, 'é'] };
    expect(await worker.ask('commander', 'echo', body)).toEqual({
      from: { node: 'worker', agent: 'ada', resource: 'app:one' },
      body,
    });
  });

  test('of fifty at once in both directions gets its own answer each', async () => {
    await using network = await CallNetwork.start();
    const [one, other] = [await network.node('one', echo), await network.node('other', echo)];
    const numbers = Array.from({ length: 50 }, (_, at) => at);
    const asking = numbers.flatMap((at) => [
      one.ask('other', 'echo', { at, of: 'one' }),
      other.ask('one', 'echo', { at, of: 'other' }),
    ]);
    const expected = numbers.flatMap((at) =>
      ['one', 'other'].map((node) => ({
        from: { node, agent: 'ada', resource: 'app:one' },
        body: { at, of: node },
      })),
    );
    expect(await Promise.all(asking)).toEqual(expected);
  });

  test('that is refused there is refused here with the same problem, and a bug there tells nothing of itself', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'error' }, { write: (line: string) => void lines.push(line) });
    await using network = await CallNetwork.start();
    const refusing: CallHandlers = {
      refuse: async () => {
        throw new HoldfastError('precondition-failed', 'taken by another', {
          retryAfterSeconds: 7,
          issues: [{ path: 'lease', message: 'is over' }],
          extensions: { holder: 'ben', version: null },
        });
      },
      fail: async () => {
        throw new Error('a secret');
      },
      swell: async () => 'x'.repeat(limits.callBytes),
    };
    await network.node('commander', refusing, log);
    const worker = await network.node('worker');
    const failure = await worker.ask('commander', 'refuse', null).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(HoldfastError);
    expect(failure).toMatchObject({
      code: 'precondition-failed',
      message: 'taken by another',
      retryAfterSeconds: 7,
      issues: [{ path: 'lease', message: 'is over' }],
      extensions: { holder: 'ben', version: null },
    });
    const bug = await worker.ask('commander', 'fail', null).catch((error: unknown) => error);
    expect(bug).toMatchObject({ code: 'internal', message: expect.not.stringContaining('secret') });
    expect(lines.join('')).toContain('a secret');
    await expect(worker.ask('commander', 'swell', null)).rejects.toMatchObject({ code: 'internal' });
    expect(lines.join('')).toContain('the answer to a call is over');
    await expect(worker.ask('commander', 'nothing', null)).rejects.toMatchObject({ code: 'call-unsupported' });
    await expect(worker.ask('commander', 'constructor', null)).rejects.toMatchObject({ code: 'call-unsupported' });
  });

  test('that is not there, or is not connected, is refused at once and says since when', async () => {
    await using network = await CallNetwork.start();
    const worker = await network.node('worker');
    const commander = await network.node('commander', echo);
    await expect(worker.ask('nobody', 'echo', null)).rejects.toMatchObject({ code: 'node-not-found' });
    await commander.stop();
    await expect(worker.ask('commander', 'echo', null)).rejects.toMatchObject({
      code: 'node-unreachable',
      message: expect.stringContaining('last heard of at 20'),
      extensions: { node: 'commander', last_contact_at: expect.stringMatching(/^20/) },
    });
    await network.stopRelay();
    await eventually(
      async () => {
        const asking = worker.ask('commander', 'echo', null);
        await expect(asking).rejects.toMatchObject({
          code: 'relay-unreachable',
          extensions: { link: 'waiting', last_contact_at: expect.stringMatching(/^20/) },
        });
      },
      { limitMs: LIMIT_MS },
    );
  });

  test('that is too large or waits too long is refused before it is sent', async () => {
    await using network = await CallNetwork.start();
    const worker = await network.node('worker');
    const large = 'x'.repeat(limits.callBytes);
    await expect(worker.ask('worker-2', 'echo', large)).rejects.toMatchObject({ code: 'body-too-large' });
    const timeoutSeconds = limits.callSeconds + 1;
    await expect(worker.ask('worker-2', 'echo', 1, { timeoutSeconds })).rejects.toMatchObject({
      code: 'invalid-request',
    });
  });

  test('by itself is answered without the relay; without one, others cannot be asked', async () => {
    await using network = await CallNetwork.start();
    const worker = await network.node('worker', echo);
    await network.stopRelay();
    expect(await worker.ask('worker', 'echo', 1)).toMatchObject({ from: { node: 'worker', agent: 'ada' }, body: 1 });
    await using alone = await CallNode.start('alone', network.home.file('alone'));
    await expect(alone.ask('worker', 'echo', 1)).rejects.toMatchObject({ code: 'not-enrolled' });
    expect(await alone.takesCalls()).toBe(false);
  });
});

describe('a node that is called', () => {
  test('goes on being called after the relay was away, by itself', async () => {
    await using network = await CallNetwork.start();
    const [worker, commander] = [await network.node('worker'), await network.node('commander', echo)];
    await network.stopRelay();
    for (const node of [worker, commander]) {
      await eventually(async () => expect(await node.takesCalls()).toBe(false), { limitMs: LIMIT_MS });
    }
    await network.startRelay();
    await Promise.all([worker.untilCallable(), commander.untilCallable()]);
    expect(await worker.ask('commander', 'echo', 'again')).toMatchObject({ body: 'again' });
  });

  test('works on many calls at once, and on no more than so many', async () => {
    let now = 0;
    let most = 0;
    const { promise: goOn, resolve: release } = Promise.withResolvers<void>();
    const handlers: CallHandlers = {
      wait: async (_from, body) => {
        now += 1;
        most = Math.max(most, now);
        if (now === 32) release();
        await goOn;
        now -= 1;
        return body;
      },
    };
    await using network = await CallNetwork.start();
    await network.node('commander', handlers);
    const worker = await network.node('worker');
    const numbers = Array.from({ length: 50 }, (_, at) => at);
    expect(await Promise.all(numbers.map((at) => worker.ask('commander', 'wait', at)))).toEqual(numbers);
    expect(most).toBe(32);
  });

  test('stops at once, also in mid-call: what its handlers have done by then is told, what is not known is not', async () => {
    let begun = 0;
    const { promise: bothBegun, resolve } = Promise.withResolvers<void>();
    const aborted = async (signal: AbortSignal): Promise<void> => {
      begun += 1;
      if (begun === 2) resolve();
      await once(signal, 'abort');
    };
    const handlers: CallHandlers = {
      finish: async (_from, _body, signal) => {
        await aborted(signal);
        return 'done';
      },
      'give-up': async (_from, _body, signal) => {
        await aborted(signal);
        throw signal.reason;
      },
    };
    await using network = await CallNetwork.start();
    const worker = await network.node('worker');
    const commander = await network.node('commander', handlers);
    const finishing = worker.ask('commander', 'finish', null, { timeoutSeconds: 30 });
    const givingUp = worker.ask('commander', 'give-up', null, { timeoutSeconds: 1 }).catch((error: unknown) => error);
    await bothBegun;
    await commander.stop();
    expect(await finishing).toBe('done');
    expect(await givingUp).toMatchObject({ code: 'call-unanswered', extensions: { node: 'commander' } });
  });

  test('tells its handler when nobody waits for the answer any more', async () => {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const handlers: CallHandlers = {
      work: (_from, _body, signal) =>
        once(signal, 'abort').then(() => {
          end();
          return null;
        }),
    };
    await using network = await CallNetwork.start();
    const worker = await network.node('worker');
    await network.node('commander', handlers);
    const asking = worker.ask('commander', 'work', null, { timeoutSeconds: 0.2 });
    await expect(asking).rejects.toMatchObject({ code: 'call-unanswered' });
    await ended;
  });

  test('is called by its new name after it became another node', async () => {
    await using network = await CallNetwork.start();
    const [worker, commander] = [await network.node('worker'), await network.node('commander', echo)];
    await commander.admin.node.reidentify({ name: 'captain', token: await network.invite('captain') });
    await commander.untilCallable();
    expect(await worker.ask('captain', 'echo', 1)).toMatchObject({ body: 1 });
    await expect(worker.ask('commander', 'echo', 1)).rejects.toMatchObject({ code: 'node-unreachable' });
    expect(await commander.ask('worker', 'echo', 1).catch((error: unknown) => error)).toMatchObject({
      code: 'call-unsupported',
    });
  });
});
