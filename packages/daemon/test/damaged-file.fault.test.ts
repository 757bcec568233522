import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { openDatabase } from '@holdfast/sqlite';
import { eventually, temporaryDirectory } from '@holdfast/testkit';
import { type Logger, pino } from 'pino';
import { describe, expect, test } from 'vitest';

import { arrivalsPlace } from './support/arrivals-place.ts';
import { flipInFrame, framesIn, zeroPages } from './support/damage.ts';
import { keyNames, keysOf, putKeys, statusOf, untilEqual, valueOf } from './support/keys.ts';
import { KillableDaemon } from './support/killable-daemon.ts';
import { ModelRelay } from './support/model-relay.ts';
import { TestDaemon } from './support/test-daemon.ts';

const LIMIT_MS = 60_000;

/** Starts a daemon that is quick to compare itself with its relay. */
function startIn(directory: string, log?: Logger): Promise<TestDaemon> {
  return TestDaemon.start({ directory, config: { 'sync.heartbeatSeconds': 1 }, ...(log && { log }) });
}

/** A node's directory whose daemon was killed: `ada` has 40 keys in her log, `bob` one. */
async function killedNode(directory: string): Promise<{ ada: string; bob: string }> {
  await using daemon = await KillableDaemon.start(directory);
  for (const name of ['ada', 'bob']) await daemon.ask('POST /v1/agents', { body: { name } });
  for (const key of keyNames('k', 40)) await daemon.ask(`PUT /v1/kv/${key}`, { body: valueOf(key), agent: 'ada' });
  await daemon.ask('PUT /v1/kv/b', { body: 1, agent: 'bob' });
  return { ada: join(directory, 'agents', 'ada.db'), bob: join(directory, 'agents', 'bob.db') };
}

/** A node that was stopped: `ada` has so many keys, `bob` one. */
async function stoppedNode(directory: string, keys: number): Promise<{ ada: string }> {
  await using daemon = await startIn(directory);
  for (const name of ['ada', 'bob']) await daemon.agent(name);
  await putKeys(daemon, 'ada', 'k', keys);
  await daemon.call('PUT /v1/kv/b', { headers: { 'holdfast-agent': 'bob' }, body: 1 });
  return { ada: join(directory, 'agents', 'ada.db') };
}

async function readKey(daemon: TestDaemon, agent: string, key: string): Promise<unknown> {
  const { status, json } = await daemon.call(`GET /v1/kv/${key}`, { headers: { 'holdfast-agent': agent } });
  return status === 200 ? status : [status, json.code];
}

function setAsideFiles(directory: string): string[] {
  const folders = readdirSync(join(directory, 'damaged'));
  return folders.flatMap((folder) => readdirSync(join(directory, 'damaged', folder))).toSorted();
}

const REFUSED = [503, 'file-damaged'];

describe("an agent's damaged file", { timeout: 2 * LIMIT_MS }, () => {
  test('leaves the others at work, and status, dead letters and metrics tell of all', async () => {
    await using place = await temporaryDirectory();
    const directory = place.file('node');
    const { ada } = await stoppedNode(directory, 1);
    writeFileSync(ada, Buffer.alloc(8192, 'no database '));
    await using daemon = await startIn(directory);
    expect(await readKey(daemon, 'ada', 'k0')).toEqual(REFUSED);
    expect(await readKey(daemon, 'bob', 'b')).toBe(200);
    expect(await statusOf(daemon, 'ada')).toMatchObject({ state: 'damaged', records: 0, last_ack_at: null });
    expect((await statusOf(daemon, 'ada')).error).toContain('SQLITE_NOTADB');
    expect(await statusOf(daemon, 'bob')).toMatchObject({ state: 'ok', error: null, records: 1 });
    expect((await daemon.call('GET /v1/dead-letters')).json).toEqual({ dead_letters: [] });
    const { text } = await daemon.call('GET /metrics');
    expect(text).toMatch(/^holdfast_unreadable_files 1$/m);
    expect(text).toMatch(/^holdfast_files_damaged_total 1$/m);
    expect(text).toMatch(/^holdfast_records 1$/m);
  });

  test('with a flipped bit in the log is not opened, so that no acknowledged write is dropped without a word', async () => {
    await using place = await temporaryDirectory();
    const directory = place.file('node');
    const { ada } = await killedNode(directory);
    flipInFrame(ada, 20);
    await using daemon = await startIn(directory);
    expect(await readKey(daemon, 'ada', 'k39')).toEqual(REFUSED);
    expect(await readKey(daemon, 'ada', 'k0')).toEqual(REFUSED);
    expect(await readKey(daemon, 'bob', 'b')).toBe(200);
    expect((await statusOf(daemon, 'ada')).error).toContain('write-ahead log');
  });

  test('is set aside whole with the reason, and a restart keeps it so', async () => {
    await using place = await temporaryDirectory();
    const directory = place.file('node');
    const { ada } = await killedNode(directory);
    flipInFrame(ada, 20);
    const bytes = ['', '-wal'].map((suffix) => readFileSync(`${ada}${suffix}`));
    {
      await using daemon = await startIn(directory);
      expect(await readKey(daemon, 'ada', 'k0')).toEqual(REFUSED);
      await eventually(() => expect(existsSync(ada)).toBe(false), { limitMs: LIMIT_MS });
    }
    expect(setAsideFiles(directory)).toEqual(['ada.db', 'ada.db-shm', 'ada.db-wal', 'reason.json']);
    const folder = join(directory, 'damaged', readdirSync(join(directory, 'damaged'))[0] ?? '');
    expect(['', '-wal'].map((suffix) => readFileSync(join(folder, `ada.db${suffix}`)))).toEqual(bytes);
    expect(JSON.parse(readFileSync(join(folder, 'reason.json'), 'utf8'))).toMatchObject({ agent: 'ada' });
    await using again = await startIn(directory);
    expect(await readKey(again, 'ada', 'k0')).toEqual(REFUSED);
    expect(readdirSync(join(directory, 'damaged'))).toHaveLength(1);
    expect(existsSync(ada)).toBe(false);
  });

  test('with a break in its last write alone is opened, and that is told: a crash leaves the same', async () => {
    await using place = await temporaryDirectory();
    const directory = place.file('node');
    const { ada } = await killedNode(directory);
    flipInFrame(ada, framesIn(ada) - 1);
    const lines: string[] = [];
    const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
    await using daemon = await startIn(directory, log);
    expect(await readKey(daemon, 'ada', 'k38')).toBe(200);
    expect(await statusOf(daemon, 'ada')).toMatchObject({ state: 'ok', records: 39 });
    expect((await statusOf(daemon, 'ada')).error).toContain('the end of its write-ahead log');
    expect(lines.some((line) => line.includes('"level":40') && line.includes('a crash or damage'))).toBe(true);
  });

  test('that cannot be moved yet is refused all the same, and moved as soon as it can be', async () => {
    await using place = await temporaryDirectory();
    const directory = place.file('node');
    const { ada } = await stoppedNode(directory, 1);
    writeFileSync(ada, Buffer.alloc(8192, 'no database '));
    writeFileSync(join(directory, 'damaged'), 'in the way');
    const lines: string[] = [];
    const log = pino({ level: 'error' }, { write: (line: string) => void lines.push(line) });
    await using daemon = await startIn(directory, log);
    expect(await readKey(daemon, 'ada', 'k0')).toEqual(REFUSED);
    await eventually(() => expect(lines.join('')).toContain('a file could not be moved; tried again'), {
      limitMs: LIMIT_MS,
    });
    expect(existsSync(ada)).toBe(true);
    expect(await readKey(daemon, 'ada', 'k0')).toEqual(REFUSED);
    expect(await readKey(daemon, 'bob', 'b')).toBe(200);
    rmSync(join(directory, 'damaged'));
    await eventually(() => expect(setAsideFiles(directory)).toContain('ada.db'), { limitMs: LIMIT_MS });
    expect(existsSync(ada)).toBe(false);
  });

  test('that shows only in use is left at once, and what waits is refused', async () => {
    await using place = await temporaryDirectory();
    const directory = place.file('node');
    const { ada } = await stoppedNode(directory, 3000);
    expect(zeroPages(ada, 'records', 20)).toBe(20);
    await using daemon = await startIn(directory);
    const headers = { 'holdfast-agent': 'ada' };
    const found = await eventually(
      async () => {
        const replies = await Promise.all(
          keyNames('k', 100).map((key) => daemon.call(`PUT /v1/kv/${key}`, { headers, body: valueOf(key) })),
        );
        const bad = replies.filter(({ status }) => status !== 200);
        expect(bad.length).toBeGreaterThan(0);
        return bad;
      },
      { limitMs: LIMIT_MS },
    );
    expect(new Set(found.map(({ status, json }) => `${status} ${json.code as string}`))).toEqual(
      new Set(['503 file-damaged']),
    );
    expect(await readKey(daemon, 'ada', 'k2999')).toEqual(REFUSED);
    await eventually(() => expect(setAsideFiles(directory)).toContain('ada.db'), { limitMs: LIMIT_MS });
    expect(existsSync(ada)).toBe(false);
  });

  test('that is missing is told, never made anew, and serves again once it is back', async () => {
    await using place = await temporaryDirectory();
    const directory = place.file('node');
    const { ada } = await stoppedNode(directory, 3);
    renameSync(ada, place.file('elsewhere.db'));
    {
      await using daemon = await startIn(directory);
      expect(await readKey(daemon, 'ada', 'k0')).toEqual(REFUSED);
      expect(await statusOf(daemon, 'ada')).toMatchObject({
        state: 'damaged',
        error: expect.stringContaining('put it back, and it serves again'),
      });
      expect(existsSync(ada)).toBe(false);
    }
    renameSync(place.file('elsewhere.db'), ada);
    await using daemon = await startIn(directory);
    expect(await keysOf(daemon, 'ada')).toEqual(keyNames('k', 3));
  });

  test('that was emptied or is another one is not taken for hers', async () => {
    await using place = await temporaryDirectory();
    const directory = place.file('node');
    const { ada } = await stoppedNode(directory, 3);
    truncateSync(ada, 0);
    {
      await using daemon = await startIn(directory);
      expect(await readKey(daemon, 'ada', 'k0')).toEqual(REFUSED);
    }
    cpSync(join(directory, 'agents', 'bob.db'), ada);
    {
      await using daemon = await startIn(directory);
      expect(await readKey(daemon, 'ada', 'b')).toEqual(REFUSED);
      expect((await statusOf(daemon, 'ada')).error).toContain('not the file that was here before');
    }
    expect(setAsideFiles(directory)).toContain('ada.db');
  });
});

describe('a file that was put back to an older copy', { timeout: 2 * LIMIT_MS }, () => {
  test('is told, and what the relay has of its end comes back', async () => {
    await using place = await temporaryDirectory();
    await using relay = await ModelRelay.start();
    const directory = place.file('node');
    const { ada } = await stoppedNode(directory, 5);
    cpSync(ada, place.file('copy.db'));
    {
      await using daemon = await startIn(directory);
      await daemon.call('POST /v1/node/join', { body: { relay: relay.url, token: 'join', name: 'test-node' } });
      await putKeys(daemon, 'ada', 'later', 5);
      await untilEqual(daemon, 'ada');
    }
    cpSync(place.file('copy.db'), ada);
    const lines: string[] = [];
    const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
    await using daemon = await startIn(directory, log);
    await eventually(async () => expect(await keysOf(daemon, 'ada')).toHaveLength(10), { limitMs: LIMIT_MS });
    expect(lines.some((line) => line.includes('it is an older copy') && line.includes('"level":50'))).toBe(true);
    expect((await daemon.call('GET /metrics')).text).toMatch(/^holdfast_files_put_back_total 1$/m);
    await untilEqual(daemon, 'ada');
    await eventually(() => expect(lines.join('')).toContain('holds everything of this file again'), {
      limitMs: LIMIT_MS,
    });
  });

  test('while the daemon runs and has it closed is told, and its stream is compared with the relay anew', async () => {
    await using place = await temporaryDirectory();
    await using relay = await ModelRelay.start();
    const directory = place.file('node');
    const lines: string[] = [];
    const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
    const config = { 'sync.heartbeatSeconds': 1, 'files.open': 4 };
    await using daemon = await TestDaemon.start({ directory, log, config });
    const others = ['bob', 'cyd', 'dan', 'eve'];
    for (const agent of ['ada', ...others]) await daemon.agent(agent);
    await daemon.call('POST /v1/node/join', { body: { relay: relay.url, token: 'join', name: 'test-node' } });
    const ada = join(directory, 'agents', 'ada.db');
    const closeAda = async (): Promise<void> => {
      await eventually(
        async () => {
          for (const agent of others) await putKeys(daemon, agent, 'k', 1);
          expect(existsSync(`${ada}-wal`)).toBe(false);
        },
        { limitMs: LIMIT_MS },
      );
    };
    await putKeys(daemon, 'ada', 'k', 5);
    await untilEqual(daemon, 'ada');
    await closeAda();
    cpSync(ada, place.file('copy.db'));
    await putKeys(daemon, 'ada', 'later', 5);
    await untilEqual(daemon, 'ada');
    // How far each file has come is noted every few seconds.
    await eventually(() => expect(notedSeq(directory, 'ada')).toBe(10), { limitMs: LIMIT_MS });
    await closeAda();
    cpSync(place.file('copy.db'), ada);
    await eventually(async () => expect(await keysOf(daemon, 'ada')).toHaveLength(10), { limitMs: LIMIT_MS });
    expect(lines.some((line) => line.includes('it is an older copy'))).toBe(true);
    await untilEqual(daemon, 'ada');
  });

  test('has what is addressed to its agent read again from the beginning: it may have been in what is gone', async () => {
    await using place = await temporaryDirectory();
    const directory = place.file('node');
    const { ada } = await stoppedNode(directory, 5);
    cpSync(ada, place.file('copy.db'));
    {
      await using daemon = await startIn(directory);
      await putKeys(daemon, 'ada', 'later', 5);
    }
    arrivalsPlace(directory, 'epoch.7');
    {
      await using daemon = await startIn(directory);
      expect(await keysOf(daemon, 'ada')).toHaveLength(10);
    }
    expect(arrivalsPlace(directory)).toBe('epoch.7');
    cpSync(place.file('copy.db'), ada);
    {
      await using daemon = await startIn(directory);
      expect(await keysOf(daemon, 'ada')).toHaveLength(5);
    }
    expect(arrivalsPlace(directory)).toBeNull();
  });

  test('is told for good where there is no relay', async () => {
    await using place = await temporaryDirectory();
    const directory = place.file('node');
    const { ada } = await stoppedNode(directory, 5);
    cpSync(ada, place.file('copy.db'));
    {
      await using daemon = await startIn(directory);
      await putKeys(daemon, 'ada', 'later', 5);
    }
    cpSync(place.file('copy.db'), ada);
    for (const _start of [1, 2]) {
      await using daemon = await startIn(directory);
      expect((await statusOf(daemon, 'ada')).error).toContain('older copy');
      await putKeys(daemon, 'ada', 'again', 20);
    }
  });

  test('is not what a kill leaves', async () => {
    await using place = await temporaryDirectory();
    const directory = place.file('node');
    await killedNode(directory);
    for (const _start of [1, 2, 3]) {
      await using daemon = await KillableDaemon.start(directory);
      await daemon.ask('PUT /v1/kv/again', { body: valueOf('again'), agent: 'ada' });
    }
    await using daemon = await startIn(directory);
    expect(await statusOf(daemon, 'ada')).toMatchObject({ state: 'ok', error: null, records: 41 });
    expect(existsSync(join(directory, 'damaged'))).toBe(false);
  });
});

function notedSeq(directory: string, agent: string): unknown {
  const database = openDatabase(join(directory, 'node.db'));
  try {
    return database.prepare('SELECT seq FROM agents WHERE name = ?').pluck().get(agent);
  } finally {
    database.close();
  }
}
