import { type Change, ZERO_VERSION } from '@holdfast/protocol';
import {
  bucketOf,
  digestOf,
  digestText,
  EMPTY_DIGEST,
  NO_SETTLEMENT,
  recordHash,
  rowOfChange,
  sealAll,
} from '@holdfast/store';
import { type Database, openDatabase } from '@holdfast/sqlite';
import { beforeEach, describe, expect, test } from 'vitest';

import { patch, put, remove, type TestAgent } from './fixture.ts';
import { POISON, RelayModel } from './relay-model.ts';
import { agent, useCountedAgent } from './use-agent.ts';

let relay: RelayModel;

useCountedAgent();
beforeEach(() => {
  relay = new RelayModel();
});

/** Sends everything, and expects that both have the same digest then. */
async function expectSame(): Promise<void> {
  for (let batch = next(); batch; batch = next()) {
    const { lines, digest } = batch;
    await agent.store.acknowledge(batch.upto, relay.takeBatch(batch) ?? []);
    // A batch with rejects in it counts what the relay leaves out.
    const isComparable = !lines.some((line) => line.includes(POISON));
    expect(digest).toMatch(/^[0-9a-f]{16}$/);
    expect(isComparable ? digest : digestText(relay.digest)).toBe(digestText(relay.digest));
  }
  expect(digestText(agent.store.counters.digest)).toBe(digestText(relay.digest));
  agent.expectTrueCounters();
}

const next = (): ReturnType<TestAgent['store']['outbox']['next']> =>
  agent.store.outbox.next({ changes: 1000, bytes: 1e9 });

/** What the relay holds of a record. */
function held(id: string): Change {
  const change = [...relay.records.values()].find((each) => each.id === id);
  if (change === undefined) throw new Error(`the relay has no "${id}"`);
  return change;
}

function hold(change: Change): void {
  relay.records.set(JSON.stringify([change.resource, change.collection, change.id]), change);
}

/** The relay has a record in another state, with the content hash that is right for it. */
function alter(id: string, changes: Partial<Change>): Change {
  const altered = { ...held(id), ...changes };
  const change = { ...altered, hash: recordHash(rowOfChange(altered)) };
  hold(change);
  return change;
}

describe('the digest', () => {
  test('is that of nothing in a new file, and survives closing', async () => {
    expect(digestText(agent.store.counters.digest)).toBe(EMPTY_DIGEST);
    await agent.write(put('notes', 'a', {}));
    const { digest } = agent.store.counters;
    agent.reopen();
    expect(agent.store.counters.digest).toBe(digest);
    expect(digestOf(digestText(digest))).toBe(digest);
  });

  test('is the relay’s once nothing waits, after writes of every kind', async () => {
    await agent.write(put('notes', 'a', { n: 1 }));
    await agent.write(put('kv', 'a', 7), 'app:u');
    await expectSame();
    await agent.write(put('notes', 'a', { n: 2 }));
    await agent.write(patch('kv', 'a', 8), 'app:u');
    await agent.write(put('notes', 'b', {}));
    await agent.write(remove('notes', 'b'));
    await expectSame();
    await agent.write(put('notes', 'b', { back: true }));
    await expectSame();
  });

  test('counts a record while it does not expire, and no longer or not yet', async () => {
    const soon = { expiresAtMs: agent.clock.now() + 10 };
    await agent.write(put('notes', 'never', {}));
    await agent.write(put('notes', 'a', {}, soon));
    await agent.write(put('notes', 'b', {}));
    await expectSame();
    await agent.write(put('notes', 'a', {}));
    await agent.write(patch('notes', 'b', {}, soon));
    await expectSame();
    agent.clock.advance(20);
    await agent.store.sweep(10, true);
    await expectSame();
  });

  test('leaves out what the relay rejected, until it is sent once more or changes', async () => {
    await agent.write(put('notes', 'a', {}));
    await agent.write(put('notes', POISON, { bad: 1 }));
    await expectSame();
    const [letter] = agent.store.outbox.deadLetters();
    await agent.store.retryDeadLetter(letter?.id ?? '');
    await expectSame();
    await agent.store.dropDeadLetter(agent.store.outbox.deadLetters()[0]?.id ?? '');
    await agent.write(put('notes', 'b', {}));
    await expectSame();
    await agent.write(put('notes', POISON, { bad: 2 }));
    await expectSame();
    await agent.write(remove('notes', POISON));
    await expectSame();
  });

  test('of a relay that was put back is compared anew: what it had rejected is sent again and rejected again', async () => {
    const before = relay.copy();
    await agent.write(put('notes', POISON, {}));
    await agent.write(put('notes', 'a', {}));
    await expectSame();
    relay = before;
    expect(await agent.store.rewind(relay.cursor)).toEqual({ records: 2, gone: 0 });
    expect(agent.store.outbox.deadLetters()).toEqual([]);
    await expectSame();
    expect(agent.store.outbox.deadLetters()).toHaveLength(1);
  });

  test('is not told with a batch that leaves something waiting', async () => {
    for (const id of ['a', 'b', 'c']) await agent.write(put('notes', id, {}));
    expect(agent.store.outbox.next({ changes: 2, bytes: 1e9 })?.digest).toBeUndefined();
    expect(agent.store.outbox.next({ changes: 3, bytes: 1e9 })?.digest).toBe(digestText(agent.store.counters.digest));
  });
});

describe('figures of the stream', () => {
  beforeEach(async () => {
    for (const id of ['a', 'b', 'c']) await agent.write(put('notes', id, { id }));
    await expectSame();
    await agent.write(put('notes', 'd', {}));
  });

  const change = (change: string, afterwards: (database: Database) => void = () => undefined): void => {
    const database = openDatabase(agent.path);
    database.exec(`UPDATE stream SET ${change}`);
    afterwards(database);
    database.close();
  };

  test.each([`digest = '00000000000000f0'`, 'outbox = 7', 'last_seq = 1', `last_version = '${ZERO_VERSION}'`])(
    'that are wrong, %s, are right once they are counted anew',
    async (wrong) => {
      agent.reopen(() => change(wrong, (database) => sealAll(database, 'stream')));
      expect(agent.store.isCountedAnew).toBe(false);
      expect(await agent.store.recount()).toBe(true);
      expect(await agent.store.recount()).toBe(false);
      await agent.write(put('notes', 'e', {}));
      await expectSame();
    },
  );

  test.each([
    `digest = '00000000000000g0'`,
    `digest = '00000000000000f0'`,
    'outbox = 7',
    'last_seq = 1',
    'last_seq = 64',
    'last_seq = 9223372036854775807',
    `last_version = '81' || substr(last_version, 3)`,
    'acked_seq = acked_seq + 1',
    `acked_version = 'none'`,
    'acked_at = 1',
  ])('that rotted, %s, are believed in nothing, and counted anew when the file is opened', async (rotten) => {
    const { lastSeq, lastVersion, digest } = agent.store.counters;
    agent.reopen(() => change(rotten));
    expect(agent.store.isCountedAnew).toBe(true);
    expect(agent.store.counters).toMatchObject({ lastVersion, digest, outbox: 4, acked: { seq: 0 }, ackedAtMs: null });
    expect(agent.store.counters.lastSeq).toBeGreaterThanOrEqual(lastSeq);
    expect(Number.isSafeInteger(agent.store.counters.lastSeq)).toBe(true);
    // What the relay holds it says itself.
    await agent.store.adopt(relay.page(0, 1000), agent.lineage);
    await agent.write(put('notes', 'e', {}));
    await expectSame();
    agent.reopen();
    expect(agent.store.isCountedAnew).toBe(false);
  });
});

describe('settling by content', () => {
  beforeEach(async () => {
    for (const id of ['a', 'b', 'c']) await agent.write(put('notes', id, { id }));
    await expectSame();
  });

  const settle = (...changes: Change[]): Promise<unknown> => agent.store.settle(changes, true, agent.lineage);

  test('leaves alone what is the same, and what waits here in a newer version', async () => {
    await agent.write(put('notes', 'b', { newer: true }));
    const { lastSeq } = agent.store.counters;
    expect(await settle(held('a'), held('b'), held('c'))).toEqual(NO_SETTLEMENT);
    expect(agent.store.counters.lastSeq).toBe(lastSeq);
    await expectSame();
  });

  test('sends again what the relay has an older version of', async () => {
    const older = alter('a', { version: '000000000001-0000-0000000a', doc: { old: true } });
    expect(await settle(older)).toEqual({ ...NO_SETTLEMENT, resent: 1 });
    await expectSame();
  });

  test('takes over what is newer or not here, and gives versions above it from then on', async () => {
    agent.reopen();
    const version = 'ff0000000000-0000-0000000b';
    const newer = alter('a', { version, doc: { newer: true } });
    const unknown = { ...held('b'), id: 'unknown' };
    hold({ ...unknown, hash: recordHash(rowOfChange(unknown)) });
    expect(await settle(newer, held('unknown'))).toEqual({ ...NO_SETTLEMENT, taken: 2 });
    expect(agent.read('notes', 'a')).toEqual({ newer: true });
    expect((await agent.write(put('notes', 'c', {}))).version > version).toBe(true);
    await expectSame();
  });

  test('does not bring back what has expired', async () => {
    const expired = alter('a', { id: 'gone', expiresAtMs: agent.clock.now() });
    expect(await settle(expired)).toEqual(NO_SETTLEMENT);
    expect(agent.store.counters.outbox).toBe(0);
  });

  test('but takes over that a record here has expired', async () => {
    agent.reopen();
    const version = 'ff0000000000-0000-0000000b';
    const expired = alter('a', { version, expiresAtMs: agent.clock.now() });
    expect(await settle(expired)).toEqual({ ...NO_SETTLEMENT, taken: 1 });
    expect(agent.read('notes', 'a')).toBeUndefined();
    await expectSame();
  });

  test('lets what was written in this start of the daemon win over a newer version', async () => {
    agent.reopen();
    await agent.write(put('notes', 'a', { last: true }));
    await expectSame();
    expect(await settle(alter('a', { version: 'ff0000000000-0000-0000000b', doc: {} }))).toEqual({
      ...NO_SETTLEMENT,
      renewed: 1,
    });
    await expectSame();
    expect(held('a').doc).toEqual({ last: true });
  });

  test('replaces other content of the same version, and what is not as its hash says', async () => {
    const contradicting = alter('a', { doc: { other: true } });
    hold({ ...held('b'), doc: { damaged: true } });
    expect(await settle(contradicting, held('b'))).toEqual({ ...NO_SETTLEMENT, renewed: 2 });
    await expectSame();
    expect([held('a').doc, held('b').doc]).toEqual([{ id: 'a' }, { id: 'b' }]);
  });

  test('does not let what rotted here win over what the relay has', async () => {
    agent.reopen(() => {
      const database = openDatabase(agent.path);
      expect(database.prepare(`UPDATE records SET doc = '{"n":"rot"}' WHERE id = 'a'`).run().changes).toBe(1);
      database.close();
    });
    const other = alter('a', { doc: { n: 'right' } });
    expect(await settle({ ...other, doc: { n: 'rot at the relay' } })).toEqual({ ...NO_SETTLEMENT, broken: 1 });
    expect(await settle(other)).toEqual({ ...NO_SETTLEMENT, taken: 1 });
    expect(agent.read('notes', 'a')).toEqual({ n: 'right' });
  });

  test('leaves out what is damaged and not here', async () => {
    expect(await settle({ ...held('a'), id: 'lost' })).toEqual({ ...NO_SETTLEMENT, broken: 1 });
    expect(agent.read('notes', 'lost')).toBeUndefined();
  });

  test('drops the dead letter of what the relay holds after all', async () => {
    await agent.write(put('notes', POISON, {}));
    const [line] = next()?.lines ?? [];
    await expectSame();
    hold(JSON.parse(line ?? '') as Change);
    expect(await settle(held(POISON))).toEqual({ ...NO_SETTLEMENT, accepted: 1 });
    expect(agent.store.outbox.deadLetters()).toEqual([]);
    await expectSame();
  });

  test('knows what the relay counts in the place of what it rejected', async () => {
    hold({ ...alter('a', { id: POISON }), version: '000000000001-0000-0000000a' });
    alter(POISON, {});
    await agent.write(put('notes', POISON, {}));
    const batch = next()!;
    await agent.store.acknowledge(batch.upto, relay.takeBatch(batch)!);
    expect(agent.store.counters.digest).not.toBe(relay.digest);
    expect(await settle(held(POISON))).toEqual(NO_SETTLEMENT);
    await expectSame();
    expect(await agent.store.settle([held(POISON)], false, agent.lineage)).toEqual(NO_SETTLEMENT);
    await agent.write(put('notes', POISON, { again: true }));
    agent.expectTrueCounters();
  });

  test('sends again what is missing at the relay, unless it changed, waits or was rejected', async () => {
    await agent.write(put('notes', POISON, {}));
    await expectSame();
    const compared = agent.store.compared(0);
    expect(compared.map(({ isHeld }) => isHeld)).toEqual([true, true, true, false]);
    expect(compared[0]?.bucket).toBe(bucketOf({ resource: '', collection: 'notes', id: 'a' }));
    expect(compared.reduce((sum, { share }) => sum ^ share, 0n)).toBe(agent.store.counters.digest);
    await agent.write(put('notes', 'b', { again: true }));
    expect(await agent.store.resend([...compared.map(({ seq }) => seq), 5, 99])).toBe(2);
    expect(agent.store.counters.outbox).toBe(3);
    await expectSame();
  });
});
