import { join } from 'node:path';

import { relayRoutes, ZERO_VERSION } from '@holdfast/protocol';
import { openDatabase } from '@holdfast/sqlite';
import { checkFile, digestOf, digestShare, digestText } from '@holdfast/store';
import { describe, expect, it } from 'vitest';

import { cursorAt, makeChange } from '../conformance/material.ts';
import { answerOf, listeningLog, pageOf, TestRelay } from './relay-fixture.ts';

const changes = [1, 2, 3, 4].map((seq) => makeChange({ seq, doc: { seq } }));
const digest = digestText(changes.reduce((sum, { row }) => sum ^ digestShare(row), 0n));

describe('a record that rots on the relay’s disk', () => {
  it.each([
    ['document', `doc = '{"seq":9}'`],
    ['document, which is no JSON any more', `doc = '{"seq":'`],
    ['hash', `hash = 'ffffffffffffffffffffffffffffffff'`],
    ['hash, which is none any more', `hash = 'rotten'`],
    ['version, to a higher one', `version = 'ffffffffffff-0000-00000001'`],
    ['times', 'updated_at = updated_at + 1'],
  ])('in its %s leaves the digest, and is whole again when its node has sent it anew', async (_, rot) => {
    await using relay = await new TestRelay().start();
    const node = await relay.node();
    await node.batch({ lines: changes.map(({ line }) => line) });
    await relay.running.stop();
    const path = join(relay.directory, 'relay.db');
    const database = openDatabase(path);
    expect(database.prepare(`UPDATE records SET ${rot} WHERE position = 2`).run().changes).toBe(1);
    database.close();
    const { log, lines } = listeningLog('trace');
    await relay.start(log, 0);
    await expect
      .poll(() => lines.some((line) => line.includes('damaged records are left out')), { timeout: 20_000 })
      .toBe(true);
    const [before] = answerOf(relayRoutes.session, await node.session()).streams;
    expect(before?.digest).not.toBe(digest);
    expect(answerOf(relayRoutes.digest, await node.buckets()).digest).toBe(before?.digest);
    // What the node does when it finds the difference: it sends the record with its version under a new seq.
    const again = makeChange({ seq: 5, age: 2, id: 'r2', doc: { seq: 2 } });
    const header = { base: cursorAt(4), upto: cursorAt(5, 2), digest };
    const reply = await node.batch({ header, lines: [again.line] });
    expect(answerOf(relayRoutes.batch, reply)).toMatchObject({ rejects: [], digest });
    const all = await relay.call('POST', '/relay/query', { token: node.credential, body: {} });
    expect(pageOf(all).records.map(({ doc }) => doc)).toEqual(changes.map(({ row }) => ({ seq: row.seq })));
    await relay.running.stop();
    expect(await checkFile(path, 'relay')).toMatchObject({ state: 'sound', records: 4 });
  });
});

describe('a copy of what the relay holds', () => {
  const ROTTEN = 'no version at all';

  async function copyAfter(rot: string) {
    await using relay = await new TestRelay().start();
    const node = await relay.node();
    await node.batch({ lines: changes.map(({ line }) => line) });
    await relay.running.stop();
    const database = openDatabase(join(relay.directory, 'relay.db'));
    expect(database.prepare(`UPDATE records SET ${rot} WHERE position = 2`).run().changes).toBe(1);
    database.close();
    await relay.start();
    return answerOf(relayRoutes.copy, await node.copyPage());
  }

  it('has a record whose hash rotted to none with one that does not fit, and all others', async () => {
    const { changes: copied, leftOut } = await copyAfter(`hash = 'rotten'`);
    expect(copied).toHaveLength(4);
    expect(copied[1]).toMatchObject({ id: 'r2', hash: '0'.repeat(32) });
    expect(leftOut).toBe(0);
  });

  it('counts one of which nothing can be said any more, and has all others', async () => {
    const { changes: copied, leftOut } = await copyAfter(`version = '${ROTTEN}'`);
    expect(copied.map(({ id }) => id)).toEqual(['r1', 'r3', 'r4']);
    expect(leftOut).toBe(1);
  });
});

it('a cursor that rots to none keeps its node from nothing: it sends again', async () => {
  await using relay = await new TestRelay().start();
  const node = await relay.node();
  await node.batch({ lines: changes.map(({ line }) => line) });
  await relay.running.stop();
  const database = openDatabase(join(relay.directory, 'relay.db'));
  expect(database.prepare(`UPDATE streams SET cursor_version = 'p' || substr(cursor_version, 2)`).run().changes).toBe(
    1,
  );
  database.close();
  await relay.start();
  const [stream] = answerOf(relayRoutes.session, await node.session()).streams;
  expect(stream?.cursor).toEqual({ seq: 0, version: ZERO_VERSION });
  const again = await node.batch({ header: { upto: cursorAt(4) }, lines: changes.map(({ line }) => line) });
  expect(answerOf(relayRoutes.batch, again)).toMatchObject({ cursor: cursorAt(4), rejects: [] });
});

it('a start that rots to none is left out, and keeps its node from nothing', async () => {
  await using relay = await new TestRelay().start();
  const node = await relay.node();
  await node.session();
  await relay.running.stop();
  const database = openDatabase(join(relay.directory, 'relay.db'));
  const { changes: known } = database
    .prepare(`INSERT INTO starts (node, start) SELECT node, 'ffffffff' FROM starts`)
    .run();
  expect(known).toBe(1);
  database.prepare(`UPDATE starts SET start = 'p' || substr(start, 2) WHERE start <> 'ffffffff'`).run();
  database.close();
  await relay.start(undefined, 0);
  expect(answerOf(relayRoutes.digest, await node.buckets()).starts).toEqual([{ start: 'ffffffff', parent: null }]);
});

it('a digest that rots to none at all keeps its node from nothing, and is counted anew', async () => {
  await using relay = await new TestRelay().start();
  const node = await relay.node();
  await node.batch({ lines: changes.map(({ line }) => line) });
  await relay.running.stop();
  const database = openDatabase(join(relay.directory, 'relay.db'));
  expect(database.prepare(`UPDATE agents SET digest = '00000000000000g0' WHERE node <> ''`).run().changes).toBe(1);
  database.close();
  await relay.start();
  const digestNow = async () => answerOf(relayRoutes.session, await node.session()).streams[0]?.digest;
  expect(await digestNow()).not.toBe(digest);
  const more = makeChange({ seq: 5, doc: { seq: 5 } });
  const header = { base: cursorAt(4), upto: cursorAt(5) };
  expect(answerOf(relayRoutes.batch, await node.batch({ header, lines: [more.line] }))).toMatchObject({ rejects: [] });
  await relay.running.stop();
  const { log } = listeningLog('trace');
  await relay.start(log, 0);
  const whole = digestText(digestOf(digest) ^ digestShare(more.row));
  await expect.poll(digestNow, { timeout: 20_000 }).toBe(whole);
});
