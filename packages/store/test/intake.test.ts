import { type FeedChange, type FeedPage, type Cursor, ZERO_VERSION } from '@holdfast/protocol';
import { openDatabase } from '@holdfast/sqlite';
import { recordHash } from '@holdfast/store';
import { expect, test } from 'vitest';

import { put } from './fixture.ts';
import { agent, useCountedAgent } from './use-agent.ts';

useCountedAgent();

const EPOCH = 'e'.repeat(32);
const OTHER_EPOCH = 'f'.repeat(32);
const NOWHERE: Cursor = { seq: 0, version: ZERO_VERSION };

const versionOf = (age: number): string => `${age.toString(16).padStart(12, '0')}-0000-0000000a`;
/** Above all that the clock of the test gives. */
const LATE = 2 ** 45;

interface Parts {
  readonly id: string;
  readonly age: number;
  readonly value?: unknown;
  readonly expiresAtMs?: number;
}

function change({ id, age, value, expiresAtMs }: Parts): FeedChange {
  const doc = value === undefined ? null : JSON.stringify(value);
  const times = { createdAtMs: 1, updatedAtMs: 1, expiresAtMs: expiresAtMs ?? null };
  const content = {
    resource: '',
    collection: 'context',
    id,
    version: versionOf(age),
    ...times,
    deleted: doc === null,
    doc,
  };
  return { ...content, seq: 1, hash: recordHash(content), doc: value ?? null, node: 'laptop', agent: 'shared' };
}

function page(changes: readonly FeedChange[], position: number, epoch = EPOCH): FeedPage {
  return { changes: [...changes], cursor: `${epoch}.${position}`, more: false, stream: null, rights: null };
}

const waiting = (): number => agent.store.counters.outbox;
const intake = () => agent.store.feed.intake;

async function finish(stream: Cursor = NOWHERE): Promise<void> {
  while ((await intake().finish(stream)).more);
}

test('what came by the feed is read like what was written here, and is never sent', async () => {
  expect(await intake().take(page([change({ id: 'k', age: LATE, value: { a: 1 } })], 7))).toMatchObject({ taken: 1 });
  expect(agent.read('context', 'k')).toEqual({ a: 1 });
  expect(waiting()).toBe(0);
  expect(agent.store.outbox.next({ changes: 10, bytes: 1000 })).toBeUndefined();
  agent.reopen();
  expect(intake().standing).toEqual({
    cursor: `${EPOCH}.7`,
    cursorBefore: null,
    isStartingOver: false,
    lowestSeq: -1,
  });
  expect(agent.read('context', 'k')).toEqual({ a: 1 });
});

test('of one key the highest version stays, and what is written here afterwards is above it', async () => {
  await agent.write(put('context', 'k', { by: 'us' }));
  await intake().take(page([change({ id: 'k', age: 1, value: { by: 'older' } })], 1));
  expect(agent.read('context', 'k')).toEqual({ by: 'us' });
  expect(waiting()).toBe(1);
  await intake().take(page([change({ id: 'k', age: LATE, value: { by: 'later' } })], 2));
  expect(agent.read('context', 'k')).toEqual({ by: 'later' });
  expect(waiting()).toBe(0);
  await agent.write(put('context', 'k', { by: 'us again' }));
  expect(agent.store.read('', 'context', 'k')!.version > versionOf(LATE)).toBe(true);
  expect(waiting()).toBe(1);
});

test('a deletion elsewhere deletes here, and what has expired is not brought in', async () => {
  await intake().take(page([change({ id: 'k', age: LATE, value: 1 })], 1));
  await intake().take(
    page([change({ id: 'k', age: LATE + 1 }), change({ id: 'x', age: LATE, value: 1, expiresAtMs: 1 })], 2),
  );
  expect(agent.read('context', 'k')).toBeUndefined();
  expect(agent.store.list({ resource: '', collection: 'context' }, { prefix: '', after: '', limit: 9 }).rows).toEqual(
    [],
  );
});

test('read from the beginning in the same life of the relay, what does not come again is deleted, once all was read', async () => {
  await intake().take(
    page([change({ id: 'gone', age: LATE, value: 1 }), change({ id: 'kept', age: LATE, value: 1 })], 2),
  );
  await intake().startOver();
  await intake().take(page([change({ id: 'kept', age: LATE, value: 1 })], 9));
  expect(agent.read('context', 'gone')).toBe(1);
  agent.reopen();
  expect(intake().standing.isStartingOver).toBe(true);
  await finish();
  expect([agent.read('context', 'gone'), agent.read('context', 'kept')]).toEqual([undefined, 1]);
  expect(intake().standing).toMatchObject({ isStartingOver: false, cursorBefore: null });
  expect(waiting()).toBe(0);
});

test('what was written here goes with it as far as the relay had it, and not beyond', async () => {
  const first = await agent.write(put('context', 'mine', { n: 1 }));
  await agent.write(put('context', 'later', { n: 2 }));
  const stream = { seq: first.seq, version: first.version };
  await agent.store.acknowledge(stream, []);
  await intake().take(page([], 1));
  await intake().startOver();
  await intake().take(page([], 5));
  await finish(stream);
  expect([agent.read('context', 'mine'), agent.read('context', 'later')]).toEqual([undefined, { n: 2 }]);
  expect(waiting()).toBe(1);
});

test('what waits is not deleted, though the relay had others at these seqs before the file was put back', async () => {
  const { seq, version } = await agent.write(put('context', 'waits', { n: 1 }));
  await intake().take(page([], 1));
  await intake().startOver();
  await intake().take(page([], 5));
  await finish({ seq: seq + 10, version });
  expect(agent.read('context', 'waits')).toEqual({ n: 1 });
  expect(waiting()).toBe(1);
});

test('a relay that was put back is sent what it lost, whoever wrote it, but what expires', async () => {
  const expiresAtMs = agent.clock.now() + 60_000;
  const lost = [change({ id: 'lost', age: LATE, value: 1 }), change({ id: 'soon', age: LATE, value: 1, expiresAtMs })];
  await intake().take(page([...lost, change({ id: 'older there', age: LATE + 1, value: 2 })], 3));
  await intake().startOver();
  await intake().take(page([change({ id: 'older there', age: LATE, value: 1 })], 1, OTHER_EPOCH));
  await finish();
  expect(agent.read('context', 'lost')).toBe(1);
  const sent = agent.store.outbox
    .next({ changes: 10, bytes: 10_000 })
    ?.lines.map((line) => (JSON.parse(line) as { id: string }).id);
  expect(sent).toEqual(['older there', 'lost']);
});

test('what rotted at the relay is replaced by what is sound here', async () => {
  const sound = change({ id: 'k', age: LATE, value: 1 });
  await intake().take(page([sound], 1));
  const rotten = { ...sound, hash: '0'.repeat(32) };
  expect(await intake().take(page([rotten], 2))).toEqual({ taken: 0, resent: 1, gone: 0 });
  expect(agent.read('context', 'k')).toBe(1);
  expect(waiting()).toBe(1);
});

test('where the feed stands rots to nothing: it is read from the beginning, and nothing is deleted for it', async () => {
  await intake().take(page([change({ id: 'k', age: LATE, value: 1 })], 4));
  agent.reopen(() => {
    const database = openDatabase(agent.path);
    database.prepare('UPDATE feed SET cursor = ?').run(`${EPOCH}.9`);
    database.close();
  });
  expect(intake().standing).toEqual({ cursor: null, cursorBefore: null, isStartingOver: true, lowestSeq: -1 });
  await intake().take(page([], 9));
  await finish();
  expect(agent.read('context', 'k')).toBe(1);
});

test('a watch tells what was written and what came, from any place on, each state once', async () => {
  const scope = { resource: '', collection: 'context', prefix: 'a' };
  const { watched } = agent.store.feed;
  await agent.write(put('context', 'a1', { n: 1 }));
  await intake().take(
    page([change({ id: 'a2', age: LATE, value: { n: 2 } }), change({ id: 'b', age: LATE, value: 1 })], 1),
  );
  const first = watched.after({ writtenSeq: 0, takenSeq: 0 }, scope);
  expect(first.records.map(({ id }) => id).toSorted()).toEqual(['a1', 'a2']);
  expect(watched.after(first.place, scope)).toMatchObject({ records: [], more: false });
  await agent.write(put('context', 'a2', { n: 3 }));
  await intake().take(page([change({ id: 'a1', age: LATE * 2 })], 2));
  const second = watched.after(first.place, scope);
  expect(second.records).toMatchObject([
    { id: 'a1', deleted: true, text: null },
    { id: 'a2', text: '{"n":3}' },
  ]);
});

test('a watch that ends anywhere goes on behind the record it saw last', async () => {
  const scope = { resource: '', collection: 'context', prefix: '' };
  const { watched } = agent.store.feed;
  await intake().take(
    page(
      ['t1', 't2'].map((id) => change({ id, age: LATE, value: 1 })),
      1,
    ),
  );
  for (const id of ['w1', 'w2']) await agent.write(put('context', id, {}));
  const { records } = watched.after({ writtenSeq: 0, takenSeq: 0 }, scope);
  expect(records.map(({ id }) => id)).toEqual(['t1', 't2', 'w1', 'w2']);
  for (const [index, { place }] of records.entries()) {
    const rest = records.slice(index + 1).map(({ id }) => id);
    expect(watched.after(place, scope).records.map(({ id }) => id)).toEqual(rest);
  }
});

test('a page ends where its documents become many or large, and the next goes on there', async () => {
  const scope = { resource: '', collection: 'context', prefix: '' };
  const ids = Array.from({ length: 1_100 }, (_, n) => `k${String(n).padStart(4, '0')}`);
  const large = ['x1', 'x2', 'x3'].map((id) => change({ id, age: LATE, value: 'x'.repeat(600_000) }));
  await intake().take(page(large, 1));
  await Promise.all(ids.map((id) => agent.write(put('context', id, {}))));
  const sizes: number[] = [];
  const seen: string[] = [];
  for (let place = { writtenSeq: 0, takenSeq: 0 }, more = true; more;) {
    const next = agent.store.feed.watched.after(place, scope);
    seen.push(...next.records.map(({ id }) => id));
    sizes.push(next.records.length);
    ({ place, more } = next);
  }
  expect(sizes).toEqual([502, 501, 100]);
  expect(seen.toSorted()).toEqual([...ids, 'x1', 'x2', 'x3']);
});

test('a place that was given is not given again, though what stood there is gone and the file was opened anew', async () => {
  const scope = { resource: '', collection: 'context', prefix: '' };
  await intake().take(
    page(
      ['a', 'b'].map((id) => change({ id, age: LATE, value: 1, expiresAtMs: agent.clock.now() + 1_000 })),
      1,
    ),
  );
  const { place } = agent.store.feed.watched;
  agent.clock.advance(2_000);
  expect(await agent.store.sweep(10, true)).toBe(2);
  agent.reopen();
  expect(agent.store.feed.watched.place).toEqual(place);
  await intake().take(page([change({ id: 'c', age: LATE, value: 1 })], 2));
  expect(agent.store.feed.watched.after(place, scope).records).toMatchObject([{ id: 'c' }]);
});
