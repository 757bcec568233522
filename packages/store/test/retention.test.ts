import { statSync } from 'node:fs';

import type { Change, Json } from '@holdfast/protocol';
import { migrateDown, openDatabase, schemaVersion } from '@holdfast/sqlite';
import {
  agentMigrations,
  checkFile,
  digestText,
  NO_SETTLEMENT,
  type PassFigures,
  StatisticsTally,
} from '@holdfast/store';
import { beforeEach, describe, expect, test } from 'vitest';

import { codeOf, put, remove, TestAgent } from './fixture.ts';
import { RelayModel } from './relay-model.ts';
import { agent, directory, useCountedAgent } from './use-agent.ts';

const DAY_MS = 86_400_000;
/** The first schema of files that know of retention. */
const WITH_RETENTION = 5;

let relay: RelayModel;

useCountedAgent();
beforeEach(() => {
  relay = new RelayModel();
});

const declare = (declaration: Json): Promise<unknown> => agent.write(put('collections', 'notes', declaration));

/** Writes `n0`, `n1`, … each a second after the one before. */
async function fill(count: number, document: Json = { text: 'x'.repeat(200) }): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    await agent.write(put('notes', `n${n}`, document));
    agent.clock.advance(1000);
  }
}

/** Sends what waits, at most so many changes. */
async function send(changes = 1000): Promise<void> {
  const batch = agent.store.outbox.next({ changes, bytes: 1e9 });
  if (batch !== undefined) await agent.store.acknowledge(batch.upto, relay.takeBatch(batch) ?? []);
}

/** Carries retention out. Gives what became of `notes`. */
async function carryOut(how: { isDryRun?: boolean; hasRelay?: boolean } = {}): Promise<PassFigures | undefined> {
  const { retention } = agent.store;
  const pass = retention.begin(agent.clock.now(), { isDryRun: false, hasRelay: true, ...how });
  for (let seq: number | undefined = 0; seq !== undefined;) seq = await retention.step(pass, seq);
  return pass.pass.figures.find(({ name }) => name === 'notes');
}

const idsHere = (): string[] =>
  agent.store
    .list({ resource: '', collection: 'notes' }, { prefix: '', after: '', limit: 1000 })
    .rows.map(({ id }) => id);

const expectSameDigest = (): void => {
  expect(agent.store.counters.outbox).toBe(0);
  expect(digestText(agent.store.counters.digest)).toBe(digestText(relay.digest));
};

describe('retention on the node', () => {
  test('removes what is older than declared and acknowledged, and nothing that waits', async () => {
    await declare({ retention: { node: { days: 30 } } });
    await fill(4);
    await send(3);
    agent.clock.advance(31 * DAY_MS);
    await agent.write(put('notes', 'young', {}));
    expect(await carryOut()).toEqual({ name: 'notes', records: 2, bytes: 2 * 211, keptBack: 2 });
    expect(idsHere()).toEqual(['n2', 'n3', 'young']);
    await send();
    expectSameDigest();
    expect(await carryOut()).toMatchObject({ records: 2, keptBack: 0 });
    expect(idsHere()).toEqual(['young']);
    expectSameDigest();
    expect(relay.records.size).toBe(6);
  });

  test('keeps as many records as declared, those that were changed last', async () => {
    await declare({ retention: { node: { records: 3 } } });
    await fill(6);
    await agent.write(put('notes', 'n0', { changed: true }));
    await send();
    expect(await carryOut()).toMatchObject({ records: 3 });
    expect(idsHere()).toEqual(['n0', 'n4', 'n5']);
    expect(agent.store.collections()).toContainEqual({ name: 'notes', records: 3 });
    expect(await carryOut()).toMatchObject({ records: 0 });
    expectSameDigest();
  });

  test('leaves behind that there was such a record, as a deletion does', async () => {
    await declare({ retention: { node: { records: 1 } } });
    await fill(2);
    await agent.write(put('notes', 'deleted', {}));
    await agent.write(remove('notes', 'deleted'));
    await send();
    await carryOut();
    const ids = ['n0', 'n1', 'deleted', 'never'];
    const wasEver = (resource: string) =>
      agent.store.transact({ resource, run: (records) => ids.map((id) => records.wasEver('notes', id)) });
    expect(idsHere()).not.toContain('n0');
    expect(await wasEver('')).toEqual([true, true, true, false]);
    expect(await wasEver('other')).toEqual([false, false, false, false]);
  });

  test('never removes what the relay rejected', async () => {
    await declare({ retention: { node: { records: 1 } } });
    await agent.write(put('notes', 'poison', {}));
    await fill(3);
    await send();
    expect(agent.store.outbox.deadLetters()).toHaveLength(1);
    expect(await carryOut()).toMatchObject({ records: 2, keptBack: 1 });
    expect(idsHere()).toEqual(['n2', 'poison']);
  });

  test('of a dry run counts the same and changes nothing', async () => {
    await declare({ retention: { node: { records: 2 } } });
    await fill(5);
    await send();
    const { digest, lastSeq } = agent.store.counters;
    const would = await carryOut({ isDryRun: true });
    expect(idsHere()).toHaveLength(5);
    expect(agent.store.counters).toMatchObject({ digest, lastSeq });
    expect(await carryOut()).toEqual(would);
    expect(idsHere()).toHaveLength(2);
  });

  test('of a node without a relay removes by its own policy alone, and nothing is remembered', async () => {
    await declare({ retention: { node: { records: 1 } } });
    await fill(3);
    expect(await carryOut({ hasRelay: false })).toMatchObject({ records: 2, keptBack: 0 });
    expect(agent.store.comparedRetired(Buffer.alloc(0))).toEqual([]);
    await send();
    expectSameDigest();
  });

  test('takes records that nobody can change too', async () => {
    await declare({ conflict: 'append-only', retention: { node: { records: 1 } } });
    await fill(3);
    await send();
    expect(await codeOf(agent.write(put('notes', 'n2', {})))).toBe('append-only');
    expect(await carryOut()).toMatchObject({ records: 2 });
    expect(idsHere()).toEqual(['n2']);
    expectSameDigest();
  });

  test('keeps a deletion for thirty days, whatever is declared', async () => {
    await declare({ retention: { node: { days: 1 } } });
    await fill(1);
    await agent.write(remove('notes', 'n0'));
    await send();
    agent.clock.advance(29 * DAY_MS);
    expect(await carryOut()).toMatchObject({ records: 0 });
    agent.clock.advance(2 * DAY_MS);
    expect(await carryOut()).toMatchObject({ records: 1 });
    expectSameDigest();
  });

  test('leaves collections alone that declare none, and other resources’ records count with all', async () => {
    await declare({ retention: { node: { records: 2 } } });
    await agent.write(put('notes', 'theirs', {}), 'app:one');
    await agent.write(put('chores', 't', {}));
    await fill(2);
    await send();
    expect(await carryOut()).toMatchObject({ records: 1 });
    expect(agent.read('notes', 'theirs', 'app:one')).toBeUndefined();
    expect(agent.read('chores', 't')).toEqual({});
  });
});

describe('what retention removed', () => {
  beforeEach(async () => {
    await declare({ retention: { node: { records: 1 } } });
    await fill(4);
    await send();
    await carryOut();
    expect(idsHere()).toEqual(['n3']);
  });

  test('counts as before, also when all is counted anew and after the file was opened again', async () => {
    expectSameDigest();
    expect(await agent.store.recount()).toBe(false);
    agent.reopen();
    expectSameDigest();
    agent.store.close();
    expect(await checkFile(agent.path, 'agent')).toMatchObject({ state: 'sound', problems: [] });
    agent.reopen();
  });

  test('may be written anew, and is the relay’s again', async () => {
    await agent.write(put('notes', 'n1', { again: true }));
    expect(agent.read('notes', 'n1')).toEqual({ again: true });
    await send();
    expectSameDigest();
  });

  test('is not brought back by a copy of what the relay holds', async () => {
    const copy = [...relay.records.values()];
    expect(await agent.store.settle(copy, true, agent.lineage)).toEqual(NO_SETTLEMENT);
    expect(idsHere()).toEqual(['n3']);
    expectSameDigest();
  });

  test('comes back when the relay has a later version of it', async () => {
    const other = new TestAgent(directory.file('other.db'), agent.clock);
    await other.write(put('notes', 'n1', { later: true }));
    const [line = ''] = other.store.outbox.next({ changes: 1, bytes: 1e9 })?.lines ?? [];
    other[Symbol.dispose]();
    relay.takeChange(JSON.parse(line) as Change);
    expect(await agent.store.settle([...relay.records.values()], true, agent.lineage)).toMatchObject({ taken: 1 });
    expect(agent.read('notes', 'n1')).toEqual({ later: true });
    await send();
    expectSameDigest();
  });

  test('is told as gone when the relay was put back to before it, and counts no more', async () => {
    const before = new RelayModel();
    expect(await agent.store.rewind(before.cursor)).toEqual({ records: 2, gone: 3 });
    relay = before;
    await send();
    expectSameDigest();
  });

  test('keeps the file from going back to a schema that knows nothing of it', () => {
    agent.store.close();
    const database = openDatabase(agent.path);
    while (schemaVersion(database) > WITH_RETENTION) migrateDown(database, agentMigrations);
    expect(() => migrateDown(database, agentMigrations)).toThrow('retention removed records');
    database.close();
    agent.reopen();
  });
});

test('the space of what was removed is given back to the file system', async () => {
  await declare({ retention: { node: { records: 10 } } });
  const document = { text: 'y'.repeat(20_000) };
  for (let n = 0; n < 200; n += 1) await agent.write(put('notes', `n${n}`, document));
  await send();
  agent.reopen();
  const before = statSync(agent.path).size;
  await carryOut();
  const freed = await agent.store.retention.freePages.giveBack(() => false);
  expect(freed).toBeGreaterThan(3_000_000);
  expect(statSync(agent.path).size).toBe(before - freed);
  expect(await agent.store.retention.freePages.giveBack(() => false)).toBe(0);
  agent.expectTrueCounters();
});

test('statistics are what counting the records gives', async () => {
  const born = agent.clock.now();
  await agent.write(put('notes', 'old', { text: 'ü' }));
  agent.clock.advance(10 * DAY_MS);
  await agent.write(put('notes', 'new', {}));
  await agent.write(put('notes', 'gone', {}));
  await agent.write(remove('notes', 'gone'));
  await agent.write(put('kv', 'k', 1), 'app:one');
  const now = agent.clock.now();
  const tally = new StatisticsTally(now);
  for (let seq: number | undefined = 0; seq !== undefined;) seq = agent.store.tally(tally, seq);
  const common = { tombstones: 0, oldestMs: now, newestMs: now };
  expect(tally.figures).toEqual([
    { ...common, name: 'kv', records: 1, bytes: 1, recordsPerDay: 1 / 7, bytesPerDay: 1 / 7 },
    {
      name: 'notes',
      records: 2,
      bytes: 15,
      tombstones: 1,
      oldestMs: born,
      newestMs: now,
      recordsPerDay: 1 / 7,
      bytesPerDay: 2 / 7,
    },
  ]);
});
