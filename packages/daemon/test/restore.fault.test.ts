import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { HybridClock } from '@holdfast/protocol';
import { FileBuilder, pagesOfFile } from '@holdfast/store';
import { eventually, seededRandom, temporaryDirectory, type TemporaryDirectory, testSeed } from '@holdfast/testkit';
import { describe, expect, test } from 'vitest';

import { NodeDatabase } from '../src/storage/node-database.ts';
import { arrivalsPlace } from './support/arrivals-place.ts';
import { flipInFrame, zeroPages } from './support/damage.ts';
import { keyNames, keysOf, putKeys, restore, statusOf, untilEqual, untilRestored, valueOf } from './support/keys.ts';
import { KillableDaemon } from './support/killable-daemon.ts';
import { ModelRelay } from './support/model-relay.ts';
import { TestDaemon } from './support/test-daemon.ts';

const LIMIT_MS = 60_000;

/** Starts a daemon that is quick to compare itself with its relay. */
function startIn(directory: string): Promise<TestDaemon> {
  return TestDaemon.start({ directory, config: { 'sync.heartbeatSeconds': 1 } });
}
const joining = (relay: ModelRelay): object => ({ body: { relay: relay.url, token: 'join', name: 'test-node' } });

interface Stage {
  readonly directory: string;
  /** The agent's file. */
  readonly ada: string;
}

/**
 * A node that was stopped: the relay has the keys `k0` … of `ada`, and lacks `late0` …, which were written while it did not
 * answer.
 */
async function stage(place: TemporaryDirectory, relay: ModelRelay, { known = 2000, late = 50 } = {}): Promise<Stage> {
  const directory = place.file('node');
  await using daemon = await startIn(directory);
  await daemon.agent('ada');
  await putKeys(daemon, 'ada', 'k', known);
  await daemon.call('POST /v1/node/join', joining(relay));
  await untilEqual(daemon, 'ada');
  relay.fail('/relay/', { kind: 'reset' });
  await putKeys(daemon, 'ada', 'late', late);
  await daemon.stop();
  relay.forgive();
  return { directory, ada: join(directory, 'agents', 'ada.db') };
}

function sorted(...names: readonly string[][]): string[] {
  return names.flat().toSorted();
}

describe('restoring an agent from the relay', { timeout: 2 * LIMIT_MS }, () => {
  test('gives back what the relay has and what can be read of the file, equal by content and digest', async () => {
    await using place = await temporaryDirectory();
    await using relay = await ModelRelay.start();
    const { directory, ada } = await stage(place, relay);
    expect(zeroPages(ada, 'records', 10)).toBe(10);
    await using daemon = await startIn(directory);
    const { state, report } = await restore(daemon, 'ada');
    expect({ state, ...report }).toMatchObject({
      state: 'done',
      from: 'relay',
      records: 2000,
      lost: [],
      lost_count: 0,
    });
    expect(report).toMatchObject({ salvaged: 50, is_complete: true });
    expect(await keysOf(daemon, 'ada')).toEqual(sorted(keyNames('k', 2000), keyNames('late', 50)));
    await untilEqual(daemon, 'ada');
    expect(readdirSync(report.set_aside as string).toSorted()).toEqual(
      expect.arrayContaining(['ada.db', 'reason.json', 'restore.json']),
    );
    expect(readdirSync(join(directory, 'agents')).filter((name) => name.includes('restoring'))).toEqual([]);
  });

  test('sends nothing again that the relay has', async () => {
    await using place = await temporaryDirectory();
    await using relay = await ModelRelay.start();
    const { directory, ada } = await stage(place, relay);
    writeFileSync(ada, Buffer.alloc(8192, 'no database '));
    arrivalsPlace(directory, 'epoch.7');
    await using daemon = await startIn(directory);
    const before = relay.calls.length;
    const { report } = await restore(daemon, 'ada');
    expect(report).toMatchObject({ records: 2000, salvaged: 0, is_complete: false });
    await untilEqual(daemon, 'ada');
    expect(relay.calls.slice(before).flatMap(({ changes }) => changes)).toEqual([]);
    await daemon.stop();
    // What is addressed to the agent may have been in the file that is gone.
    expect(arrivalsPlace(directory)).toBeNull();
  });

  test('names every record that is gone, and no other', async () => {
    await using place = await temporaryDirectory();
    await using relay = await ModelRelay.start();
    const { directory, ada } = await stage(place, relay, { known: 500, late: 500 });
    zeroPages(ada, 'records', 1000);
    await using daemon = await startIn(directory);
    const { report } = await restore(daemon, 'ada');
    const keys = await keysOf(daemon, 'ada');
    const gone = sorted(keyNames('k', 500), keyNames('late', 500)).filter((key) => !keys.includes(key));
    expect(gone.length).toBeGreaterThan(0);
    expect((report.lost as { id: string }[]).map(({ id }) => id).toSorted()).toEqual(gone);
    expect(report).toMatchObject({ records: 500, lost_count: gone.length, is_complete: true });
    expect(JSON.parse(readFileSync(join(report.set_aside as string, 'restore.json'), 'utf8'))).toEqual(report);
  });

  test('says so when not even the keys can be read', async () => {
    await using place = await temporaryDirectory();
    await using relay = await ModelRelay.start();
    const { directory, ada } = await stage(place, relay);
    zeroPages(ada, 'records', 3);
    zeroPages(ada, 'records_key', 3);
    await using daemon = await startIn(directory);
    const { report } = await restore(daemon, 'ada');
    expect(report).toMatchObject({ records: 2000, is_complete: false });
    expect(report.salvaged).toBeGreaterThan(0);
  });

  test('reads on behind a flipped bit in the log', async () => {
    await using place = await temporaryDirectory();
    await using relay = await ModelRelay.start();
    const { directory, ada } = await stage(place, relay, { known: 10, late: 0 });
    relay.fail('/relay/', { kind: 'reset' });
    {
      await using daemon = await KillableDaemon.start(directory);
      for (const key of keyNames('late', 40)) {
        await daemon.ask(`PUT /v1/kv/${key}`, { body: valueOf(key), agent: 'ada' });
      }
    }
    relay.forgive();
    flipInFrame(ada, 12);
    await using daemon = await startIn(directory);
    expect(await statusOf(daemon, 'ada')).toMatchObject({ state: 'damaged' });
    const { report } = await restore(daemon, 'ada');
    const keys = await keysOf(daemon, 'ada');
    expect(keys.length + (report.lost_count as number)).toBe(50);
    expect(keys.length).toBeGreaterThan(45);
    await untilEqual(daemon, 'ada');
  });

  test('of a healthy file keeps all of it, and the agent answers 503 with Retry-After meanwhile', async () => {
    await using place = await temporaryDirectory();
    await using relay = await ModelRelay.start();
    const { directory } = await stage(place, relay, { known: 300, late: 20 });
    await using daemon = await startIn(directory);
    await putKeys(daemon, 'ada', 'new', 5);
    const { promise: until, resolve } = Promise.withResolvers<void>();
    relay.fail('/relay/agents/ada/records', { kind: 'slow', until }, 1);
    const begun = await daemon.call('POST /v1/agents/ada/restore', { body: { from: 'relay' } });
    expect(begun).toMatchObject({ status: 202, json: { state: 'running' } });
    const refused = await daemon.call('GET /v1/kv/k0', { headers: { 'holdfast-agent': 'ada' } });
    expect(refused).toMatchObject({ status: 503, json: { code: 'agent-restoring' } });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    const again = await daemon.call('POST /v1/agents/ada/restore', { body: { from: 'relay' } });
    expect(again).toMatchObject({ status: 409, json: { code: 'work-under-way' } });
    expect(await statusOf(daemon, 'ada')).toMatchObject({ state: 'restoring', records: 0 });
    resolve();
    const { report } = await untilRestored(daemon, 'ada');
    expect(report).toMatchObject({ lost_count: 0, is_complete: true });
    expect(await keysOf(daemon, 'ada')).toEqual(sorted(keyNames('k', 300), keyNames('late', 20), keyNames('new', 5)));
    await untilEqual(daemon, 'ada');
  });

  test('that fails leaves the agent as it was', async () => {
    await using place = await temporaryDirectory();
    await using relay = await ModelRelay.start();
    const { directory } = await stage(place, relay, { known: 30, late: 5 });
    await using daemon = await startIn(directory);
    relay.fail('/relay/agents/ada/records', { kind: 'answer', status: 403, body: { code: 'forbidden' } }, 1);
    const failed = await restore(daemon, 'ada');
    expect(failed).toMatchObject({ state: 'failed', report: null });
    expect(failed.error).toContain('relay-unreachable');
    expect(await keysOf(daemon, 'ada')).toHaveLength(35);
    expect(existsSync(join(directory, 'damaged'))).toBe(false);
    relay.heal();
    await untilEqual(daemon, 'ada');
  });

  test('needs a relay', async () => {
    await using daemon = await TestDaemon.start();
    await daemon.agent('ada');
    const reply = await daemon.call('POST /v1/agents/ada/restore', { body: { from: 'relay' } });
    expect(reply).toMatchObject({ status: 503, json: { code: 'not-enrolled' } });
    const none = await daemon.call('POST /v1/agents/bob/restore', { body: { from: 'relay' } });
    expect(none).toMatchObject({ status: 404, json: { code: 'agent-not-found' } });
    expect((await daemon.call('GET /v1/agents/ada/restore')).json).toMatchObject({ state: 'none', report: null });
  });

  test('does not take a record whose content is not what its hash says', async () => {
    await using place = await temporaryDirectory();
    await using relay = await ModelRelay.start();
    const { directory, ada } = await stage(place, relay, { known: 20, late: 0 });
    relay.alter('ada', 'k3', { doc: 'rotten', hash: '0'.repeat(32) });
    writeFileSync(ada, Buffer.alloc(8192, 'no database '));
    await using daemon = await startIn(directory);
    const { report } = await restore(daemon, 'ada');
    expect(report).toMatchObject({ records: 19, lost_count: 1 });
    expect(report.lost[0].id).toBe('k3');
    expect(await keysOf(daemon, 'ada')).toHaveLength(19);
  });

  test('names one that is broken at the source, though the file gives an older version of it', async () => {
    await using place = await temporaryDirectory();
    await using relay = await ModelRelay.start();
    const { directory } = await stage(place, relay, { known: 20, late: 0 });
    const version = 'ffff00000000-0000-0badcafe';
    relay.alter('ada', 'k3', { version, hash: '0'.repeat(32) });
    relay.fail('/relay/session', { kind: 'answer', status: 503 });
    await using daemon = await startIn(directory);
    const { report } = await restore(daemon, 'ada');
    expect(report).toMatchObject({ records: 19, salvaged: 1, lost_count: 1, lost: [{ id: 'k3', version }] });
    expect(await keysOf(daemon, 'ada')).toHaveLength(20);
  });
});

describe('restoring an agent from a backup', { timeout: 2 * LIMIT_MS }, () => {
  test('gives back what is in it and what can be read of the file; what only the relay has comes by itself', async () => {
    await using place = await temporaryDirectory();
    await using relay = await ModelRelay.start();
    const { directory, ada } = await stage(place, relay, { known: 300, late: 0 });
    {
      await using daemon = await startIn(directory);
      expect((await daemon.call('POST /v1/backups')).status).toBe(202);
      await eventually(
        async () =>
          expect((await daemon.call('GET /v1/backups')).json).toMatchObject({ running: null, last_error: null }),
        { limitMs: LIMIT_MS },
      );
      await putKeys(daemon, 'ada', 'sent', 20);
      await untilEqual(daemon, 'ada');
      relay.fail('/relay/', { kind: 'reset' });
      await putKeys(daemon, 'ada', 'late', 20);
    }
    relay.forgive();
    zeroPages(ada, 'records', 5);
    await using daemon = await startIn(directory);
    const { json } = await daemon.call('GET /v1/backups');
    const { report } = await restore(daemon, 'ada', { from: 'backup' });
    expect(report).toMatchObject({
      from: json.backups[0].id as string,
      records: 300,
      lost_count: 0,
      is_complete: true,
    });
    await untilEqual(daemon, 'ada');
    expect(await keysOf(daemon, 'ada')).toEqual(sorted(keyNames('k', 300), keyNames('sent', 20), keyNames('late', 20)));
  });

  test('that is not there fails and says so', async () => {
    await using daemon = await TestDaemon.start();
    await daemon.agent('ada');
    await putKeys(daemon, 'ada', 'k', 3);
    const failed = await restore(daemon, 'ada', { from: 'backup', backup: '2026-01-01T00-00-00Z' });
    expect(failed.state).toBe('failed');
    expect(failed.error).toMatch(/backup/);
    expect(await keysOf(daemon, 'ada')).toHaveLength(3);
  });
});

describe('a crash', { timeout: 2 * LIMIT_MS }, () => {
  test('at any step of setting aside is carried on from', async () => {
    for (const moved of [[], ['-wal'], ['-wal', '-shm'], ['-wal', '-shm', '']]) {
      await using place = await temporaryDirectory();
      const directory = place.file('node');
      {
        await using daemon = await KillableDaemon.start(directory);
        await daemon.ask('POST /v1/agents', { body: { name: 'ada' } });
        await daemon.ask('PUT /v1/kv/k0', { body: valueOf('k0'), agent: 'ada' });
      }
      const database = new NodeDatabase(join(directory, 'node.db'));
      database.marks.noteDamage('ada', { reason: 'a test says so', foundAtMs: Date.now() }, 'ada-then');
      database.close();
      const folder = join(directory, 'damaged', 'ada-then');
      if (moved.length > 0) mkdirSync(folder, { recursive: true });
      const ada = join(directory, 'agents', 'ada.db');
      for (const suffix of moved) renameSync(`${ada}${suffix}`, join(folder, `ada.db${suffix}`));
      await using daemon = await startIn(directory);
      expect(readdirSync(folder).toSorted()).toEqual(['ada.db', 'ada.db-shm', 'ada.db-wal', 'reason.json']);
      expect(readdirSync(join(directory, 'agents'))).toEqual([]);
      expect(await statusOf(daemon, 'ada')).toMatchObject({ state: 'damaged' });
      await daemon.agent('bob');
      await putKeys(daemon, 'bob', 'k', 1);
    }
  });

  test('while the rebuilt file takes its place is carried on from', async () => {
    for (const step of ['noted', 'moved', 'renamed']) {
      await using place = await temporaryDirectory();
      await using relay = await ModelRelay.start();
      const { directory, ada } = await stage(place, relay, { known: 20, late: 5 });
      const clock = new HybridClock(Date.now, '0badcafe');
      const builder = new FileBuilder(`${ada}.restoring`, clock, Date.now);
      for (const rows of pagesOfFile(ada)) builder.take(rows);
      const { incarnation, end } = builder;
      builder.close();
      const database = new NodeDatabase(join(directory, 'node.db'));
      database.marks.noteSwap({ agent: 'ada', incarnation, seq: end.seq }, 'swap', 'ada-then');
      database.close();
      const folder = join(directory, 'damaged', 'ada-then');
      mkdirSync(folder, { recursive: true });
      if (step !== 'noted') renameSync(ada, join(folder, 'ada.db'));
      if (step === 'renamed') renameSync(`${ada}.restoring`, ada);
      await using daemon = await startIn(directory);
      expect(await statusOf(daemon, 'ada')).toMatchObject({ state: 'ok', error: null });
      expect(await keysOf(daemon, 'ada')).toEqual(sorted(keyNames('k', 20), keyNames('late', 5)));
      expect(existsSync(join(folder, 'ada.db'))).toBe(true);
      await untilEqual(daemon, 'ada');
    }
  });

  test('at any time of a restore begins it anew, and nothing is missing in the end', async () => {
    const random = seededRandom(testSeed());
    await using place = await temporaryDirectory();
    await using relay = await ModelRelay.start();
    const { directory, ada } = await stage(place, relay, { known: 3000, late: 200 });
    zeroPages(ada, 'records', 10);
    relay.pageChanges = 100;
    {
      await using daemon = await KillableDaemon.start(directory);
      await daemon.ask('POST /v1/agents/ada/restore', { body: { from: 'relay' } });
    }
    let interrupted = 0;
    for (let kill = 0; kill < 5; kill += 1) {
      await using daemon = await KillableDaemon.start(directory);
      const pages = relay.callsOf('/relay/agents/ada/records').length + random.integer(1, 25);
      await Promise.race([
        relay.until(() => relay.callsOf('/relay/agents/ada/records').length >= pages),
        untilServing(daemon),
      ]);
      const { agents } = await daemon.ask('GET /v1/node');
      if (agents[0].state === 'restoring') interrupted += 1;
    }
    expect(interrupted).toBeGreaterThan(0);
    await using daemon = await startIn(directory);
    await eventually(async () => expect(await statusOf(daemon, 'ada')).toMatchObject({ state: 'ok' }), {
      limitMs: LIMIT_MS,
    });
    expect(await keysOf(daemon, 'ada')).toEqual(sorted(keyNames('k', 3000), keyNames('late', 200)));
    await untilEqual(daemon, 'ada');
    expect(readdirSync(join(directory, 'agents')).filter((name) => name.includes('restoring'))).toEqual([]);
  });

  test('before a restore changed anything leaves a whole copy of the file behind', async () => {
    await using place = await temporaryDirectory();
    await using relay = await ModelRelay.start();
    const { directory, ada } = await stage(place, relay, { known: 10, late: 0 });
    cpSync(ada, `${ada}.restoring`);
    await using daemon = await startIn(directory);
    expect(await keysOf(daemon, 'ada')).toHaveLength(10);
    expect(existsSync(`${ada}.restoring`)).toBe(false);
  });
});

function untilServing(daemon: KillableDaemon): Promise<void> {
  return eventually(async () => expect((await daemon.ask('GET /v1/node')).agents[0].state).toBe('ok'), {
    limitMs: LIMIT_MS,
  });
}
