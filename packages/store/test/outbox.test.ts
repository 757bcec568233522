import { copyFileSync, rmSync } from 'node:fs';

import { type Change, type Cursor, ZERO_VERSION } from '@holdfast/protocol';
import type { OutboxBatch, WriteResult, WrittenRange } from '@holdfast/store';
import { beforeEach, describe, expect, test } from 'vitest';

import { codeOf, put, remove } from './fixture.ts';
import { POISON, RelayModel } from './relay-model.ts';
import { agent, directory, useCountedAgent } from './use-agent.ts';

const bounds = { changes: 1000, bytes: 4_194_304 };

let relay: RelayModel;

useCountedAgent();
beforeEach(() => {
  relay = new RelayModel();
});

describe('a write', () => {
  const rangeOf = ({ seq, version }: WriteResult): WrittenRange => ({ first: seq, last: seq, version });

  test('does not stand where another record was put, nor where it was written over', async () => {
    const first = await agent.write(put('notes', 'a', { n: 1 }));
    expect(agent.store.outbox.stands(rangeOf(first))).toBe(true);
    await agent.write(put('notes', 'a', { n: 2 }));
    expect(agent.store.outbox.stands(rangeOf(first))).toBe(false);
  });

  test('does not stand any more when the relay’s records took its place', async () => {
    await writeIds('a', 'b');
    await drain();
    const copy = directory.file('copy.db');
    agent.reopen(() => copyFileSync(agent.path, copy));
    await writeIds('c', 'd', 'e');
    await drain();
    agent.reopen(() => copyFileSync(copy, agent.path));
    agent.clock.advance(1);
    const written = await agent.write(put('notes', 'mine', {}));
    expect(agent.store.outbox.stands(rangeOf(written))).toBe(true);
    await adoptAll(1000);
    expect(agent.store.outbox.line(written.seq)).toBeDefined();
    expect(agent.store.outbox.stands(rangeOf(written))).toBe(false);
  });
});

const idsOf = (batch: OutboxBatch | undefined): string[] =>
  (batch?.lines ?? []).map((line) => (JSON.parse(line) as Change).id);

async function writeIds(...ids: string[]): Promise<void> {
  for (const id of ids) await agent.write(put('notes', id, { id, at: agent.store.counters.lastSeq }));
}

/** Sends everything; the relay must take each batch. */
async function drain(): Promise<void> {
  for (let batch = agent.store.outbox.next(bounds); batch; batch = agent.store.outbox.next(bounds)) {
    const rejects = relay.takeBatch(batch);
    expect(rejects).toBeDefined();
    await agent.store.acknowledge(batch.upto, rejects!);
  }
  expect(agent.store.counters.outbox).toBe(0);
}

async function adoptAll(pageChanges: number): Promise<void> {
  let after = agent.store.counters.acked.seq;
  for (;;) {
    const page = relay.page(after, pageChanges);
    await agent.store.adopt(page, agent.lineage);
    agent.expectTrueCounters();
    if (!page.more) return;
    after = page.changes.at(-1)!.seq;
  }
}

/** What the relay holds must be what the node has, byte by byte. */
function expectRelayHoldsAll(): void {
  for (const change of relay.records.values()) {
    const stored = agent.store.read(change.resource, change.collection, change.id);
    expect([change.id, stored?.version, stored?.text]).toEqual([
      change.id,
      ...(change.deleted ? [undefined, undefined] : [change.version, JSON.stringify(change.doc)]),
    ]);
  }
  const { records } = agent.store.query('', 'notes', { limit: 1000 }) as { records: readonly { id: string }[] };
  for (const { id } of records) expect(relay.records.has(JSON.stringify(['', 'notes', id]))).toBe(true);
}

describe('the outbox', () => {
  test('holds each changed record once, in the order of the last changes, tombstones too', async () => {
    await writeIds('a', 'b', 'c', 'a', 'a', 'd');
    await agent.write(remove('notes', 'b'));
    const batch = agent.store.outbox.next(bounds)!;
    expect(idsOf(batch)).toEqual(['c', 'a', 'd', 'b']);
    expect(batch.base).toEqual({ seq: 0, version: ZERO_VERSION });
    expect(batch.upto).toEqual({ seq: 7, version: (JSON.parse(batch.lines.at(-1)!) as Change).version });
    expect(agent.store.counters.outbox).toBe(4);
    expect(agent.store.outbox.line(1)).toBeUndefined();
    await drain();
    expect(agent.store.outbox.next(bounds)).toBeUndefined();
    expectRelayHoldsAll();
  });

  test('carries documents as they are stored', async () => {
    await agent.write(put('kv', 'a', { 'kéy"': ['😀', 1e300, null], text: '\n"\\' }), 'app:u');
    const [line] = agent.store.outbox.next(bounds)!.lines;
    expect(line!.endsWith(`"doc":${agent.store.read('app:u', 'kv', 'a')!.text}}`)).toBe(true);
    expect(JSON.parse(line!)).toMatchObject({ resource: 'app:u', collection: 'kv', id: 'a', seq: 1, deleted: false });
  });

  test('gives batches bounded by changes and by bytes of UTF-8, and at least one change', async () => {
    await writeIds('a', 'b', 'c', 'd', 'e');
    expect(idsOf(agent.store.outbox.next({ changes: 2, bytes: 1e9 }))).toEqual(['a', 'b']);
    expect(idsOf(agent.store.outbox.next({ changes: 9, bytes: 1 }))).toEqual(['a']);
    const { upto } = agent.store.outbox.next({ changes: 2, bytes: 1e9 })!;
    expect(idsOf(agent.store.outbox.above(upto, bounds))).toEqual(['c', 'd', 'e']);
    await drain();
    for (const id of ['x', 'y', 'z']) await agent.write(put('notes', id, { text: '€'.repeat(1000) }));
    expect(idsOf(agent.store.outbox.next({ changes: 9, bytes: 6999 }))).toEqual(['x', 'y']);
    expect(idsOf(agent.store.outbox.next({ changes: 9, bytes: 6000 }))).toEqual(['x']);
  });

  test('is left by what was acknowledged, not by what changed meanwhile', async () => {
    await writeIds('a', 'b');
    const batch = agent.store.outbox.next(bounds)!;
    await writeIds('a');
    await agent.store.acknowledge(batch.upto, []);
    expect(idsOf(agent.store.outbox.next(bounds))).toEqual(['a']);
    expect(agent.store.counters).toMatchObject({ outbox: 1, acked: batch.upto, ackedAtMs: agent.clock.now() });
    await agent.store.acknowledge({ seq: 1, version: ZERO_VERSION }, []);
    expect(agent.store.counters.acked).toEqual(batch.upto);
  });

  test('tells when its first change was made', async () => {
    expect(agent.store.outbox.oldestMs()).toBeUndefined();
    const firstMs = agent.clock.now();
    await writeIds('a');
    agent.clock.advance(5000);
    await writeIds('b');
    expect(agent.store.outbox.oldestMs()).toBe(firstMs);
    await agent.store.acknowledge(agent.store.outbox.next({ changes: 1, bytes: 1 })!.upto, []);
    expect(agent.store.outbox.oldestMs()).toBe(firstMs + 5000);
  });

  test('calls for sending once for each commit that gave out seqs, and never for an acknowledgement', async () => {
    await Promise.all([writeIds('a'), agent.write(put('notes', 'b', {}))]);
    expect(agent.commits).toBe(1);
    await drain();
    expect(await codeOf(agent.write(remove('notes', 'none')))).toBe('record-not-found');
    expect(agent.commits).toBe(1);
  });
});

describe('reconciling', () => {
  test('after a lost answer loses and doubles nothing', async () => {
    await writeIds('a', 'b', 'c');
    relay.takeBatch(agent.store.outbox.next({ changes: 2, bytes: 1e9 })!);
    await writeIds('a', 'd');
    expect(relay.takeBatch(agent.store.outbox.next(bounds)!)).toBeUndefined();
    await adoptAll(1000);
    await drain();
    expectRelayHoldsAll();
    expect(relay.records.size).toBe(4);
  });

  test('after the relay was put back sends again what it lost', async () => {
    await writeIds('a', 'b');
    await drain();
    const backup = relay.copy();
    await writeIds('c', 'a', 'd');
    await drain();
    await writeIds('e');
    relay = backup;
    await agent.store.rewind(relay.cursor);
    agent.expectTrueCounters();
    expect(idsOf(agent.store.outbox.next(bounds))).toEqual(['c', 'a', 'd', 'e']);
    await drain();
    expectRelayHoldsAll();
  });

  test('after the relay was replaced by an empty one sends everything', async () => {
    await writeIds('a', 'b');
    await agent.write(remove('notes', 'a'));
    await drain();
    relay = new RelayModel();
    await agent.store.rewind(relay.cursor);
    await drain();
    expectRelayHoldsAll();
    expect(relay.records.size).toBe(2);
  });

  test.each([1, 2, 1000])(
    'after the file was put back fetches what it lost and keeps what is new, by pages of %i',
    async (changes) => {
      await writeIds('a', 'b', 'c');
      await drain();
      await writeIds('waiting');
      const copy = directory.file('copy.db');
      agent.reopen(() => copyFileSync(agent.path, copy));
      await writeIds('d', 'a', 'e', 'f');
      await agent.write(remove('notes', 'c'));
      await drain();
      agent.reopen(() => {
        for (const suffix of ['-wal', '-shm']) rmSync(agent.path + suffix, { force: true });
        copyFileSync(copy, agent.path);
      });
      agent.clock.advance(60_000);
      await writeIds('new', 'b', 'd');
      const written = agent.read('notes', 'd');
      await adoptAll(changes);
      await drain();
      expectRelayHoldsAll();
      expect(agent.read('notes', 'd')).toEqual(written);
      expect(agent.read('notes', 'c')).toBeUndefined();
      expect(['a', 'b', 'd', 'e', 'f', 'new', 'waiting'].every((id) => agent.read('notes', id) !== undefined)).toBe(
        true,
      );
      expect(agent.store.collections()).toEqual([{ name: 'notes', records: 7 }]);
    },
  );

  test('takes what the fast lane brought to the relay ahead of its cursor, under seqs of its own', async () => {
    await writeIds('a');
    await drain();
    const copy = directory.file('copy.db');
    agent.reopen(() => copyFileSync(agent.path, copy));
    await writeIds('b', 'c', 'fast');
    relay.takeChange(JSON.parse(agent.store.outbox.line(4)!) as Change);
    agent.reopen(() => copyFileSync(copy, agent.path));
    agent.clock.advance(1000);
    await writeIds('x', 'y', 'z');
    await adoptAll(1000);
    expect(agent.read('notes', 'fast')).toBeDefined();
    await writeIds('after');
    await drain();
    expectRelayHoldsAll();
    expect(relay.records.size).toBe(6);
  });

  test('gives versions above everything it fetched, under a clock that was set back', async () => {
    await writeIds('a');
    const copy = directory.file('copy.db');
    agent.reopen(() => copyFileSync(agent.path, copy));
    agent.clock.advance(3_600_000);
    await writeIds('a', 'b');
    await drain();
    agent.clock.advance(-7_200_000);
    agent.reopen(() => copyFileSync(copy, agent.path));
    await adoptAll(1000);
    const held = [...relay.records.values()].map(({ version }) => version);
    const { version } = await agent.write(put('notes', 'a', { last: true }));
    expect(held.every((one) => one < version)).toBe(true);
    agent.reopen();
    expect(agent.store.counters.lastVersion).toBe(version);
    await drain();
    expectRelayHoldsAll();
  });

  test('lets what was written after the file was put back win, under a clock that was set back or stood still', async () => {
    await writeIds('pending', 'a');
    const copy = directory.file('copy.db');
    agent.reopen(() => copyFileSync(agent.path, copy));
    const startMs = agent.clock.now();
    for (const backMs of [0, 3_600_000]) {
      agent.clock.set(startMs);
      agent.clock.advance(1000);
      await writeIds('a', 'b', 'pending');
      const pending = agent.read('notes', 'pending');
      await drain();
      agent.clock.set(startMs + 1000 - backMs);
      agent.reopen(() => copyFileSync(copy, agent.path));
      await agent.write(put('notes', 'a', { after: backMs }));
      await adoptAll(1);
      await drain();
      expectRelayHoldsAll();
      expect(agent.read('notes', 'a')).toEqual({ after: backMs });
      expect(agent.read('notes', 'pending')).toEqual(pending);
      relay = new RelayModel();
      await agent.store.rewind(relay.cursor);
    }
  });

  test('with a page that holds nothing new changes nothing but the cursor', async () => {
    await writeIds('a', 'b');
    const batch = agent.store.outbox.next(bounds)!;
    relay.takeBatch(batch);
    await agent.store.acknowledge(batch.upto, []);
    await agent.store.adopt(relay.page(0, 1000), agent.lineage);
    expect(agent.store.counters).toMatchObject({ acked: batch.upto, outbox: 0, lastSeq: 2 });
    const other: Cursor = { seq: 2, version: ZERO_VERSION };
    await agent.store.adopt({ cursor: other, changes: [], more: false }, agent.lineage);
    expect(agent.store.counters.acked).toEqual(other);
  });
});

describe('a dead letter', () => {
  beforeEach(async () => {
    await writeIds('a');
    await agent.write(put('notes', POISON, { bad: true }), 'app:u');
    await writeIds('b');
    agent.clock.advance(10);
    await drain();
  });

  test('is kept with the reason and holds nothing up', () => {
    const { version } = agent.store.read('app:u', 'notes', POISON)!;
    const rejectedAtMs = agent.clock.now();
    const reason = { code: 'unsafe-document', reason: 'it is poison', rejectedAtMs };
    expect(agent.store.outbox.deadLetters()).toEqual([
      { id: '1', seq: 2, resource: 'app:u', collection: 'notes', record: POISON, version, ...reason },
    ]);
    expect(relay.records.size).toBe(2);
  });

  test('is not doubled by the same answer again', async () => {
    const rejects = [{ seq: 2, code: 'unsafe-document', reason: 'it is poison' }];
    await agent.store.acknowledge(agent.store.counters.acked, rejects);
    expect(agent.store.outbox.deadLetters()).toHaveLength(1);
  });

  test('that is retried sends the record as it stands now, once more', async () => {
    await agent.store.retryDeadLetter('1');
    expect(agent.store.outbox.deadLetters()).toEqual([]);
    expect(agent.store.counters.outbox).toBe(1);
    expect(idsOf(agent.store.outbox.next(bounds))).toEqual([POISON]);
    agent.expectTrueCounters();
    await drain();
    expect(agent.store.outbox.deadLetters()).toMatchObject([{ id: '2', seq: 4, record: POISON }]);
  });

  test('that is retried while its record waits again is sent once', async () => {
    await agent.write(put('notes', POISON, { better: true }), 'app:u');
    await agent.store.retryDeadLetter('1');
    expect(agent.store.counters.outbox).toBe(1);
  });

  test('that is dropped leaves the record as it is, and is not found again', async () => {
    await agent.store.dropDeadLetter('1');
    expect(agent.store.outbox.deadLetters()).toEqual([]);
    expect(agent.read('notes', POISON, 'app:u')).toEqual({ bad: true });
    expect(await codeOf(agent.store.dropDeadLetter('1'))).toBe('dead-letter-not-found');
    expect(await codeOf(agent.store.retryDeadLetter('1'))).toBe('dead-letter-not-found');
    expect(await codeOf(agent.store.retryDeadLetter('x'))).toBe('dead-letter-not-found');
  });

  test('is not kept for a record that has changed since', async () => {
    await agent.write(put('notes', POISON, {}), 'app:u');
    const batch = agent.store.outbox.next(bounds)!;
    await agent.write(put('notes', POISON, { later: true }), 'app:u');
    await agent.store.acknowledge(batch.upto, relay.takeBatch(batch)!);
    expect(agent.store.outbox.deadLetters()).toHaveLength(1);
    await drain();
    expect(agent.store.outbox.deadLetters()).toHaveLength(2);
  });
});
