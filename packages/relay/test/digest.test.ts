import { join } from 'node:path';

import { relayRoutes } from '@holdfast/protocol';
import { openDatabase } from '@holdfast/sqlite';
import { bucketOf, digestShare, digestText, EMPTY_DIGEST, recordHash, rowOfChange } from '@holdfast/store';
import { seededRandom, temporaryDirectory, testSeed } from '@holdfast/testkit';
import { describe, expect, it } from 'vitest';

import {
  BOOT,
  cursorAt,
  INCARNATION,
  LEASE_MS,
  makeBatch,
  makeChange,
  makeTokenEntry,
  START_MS,
} from '../conformance/material.ts';
import { type IncomingChange, SqliteRelayStore } from '../src/index.ts';
import { answerOf, changeLines, codeOf, defaultConfig, edited, listeningLog, TestRelay } from './relay-fixture.ts';

const digestOfChanges = (changes: readonly ReturnType<typeof makeChange>[]): string =>
  digestText(changes.reduce((digest, { row }) => digest ^ digestShare(row), 0n));

describe('digests between node and relay', () => {
  it('a batch that leaves both with the same records is answered with the same digest, and nothing is said', async () => {
    const { log, lines } = listeningLog('warn');
    await using relay = await new TestRelay().start(log);
    const node = await relay.node();
    const changes = [1, 2].map((seq) => makeChange({ seq, doc: { seq } }));
    const digest = digestOfChanges(changes);
    const reply = await node.batch({ header: { digest }, lines: changes.map(({ line }) => line) });
    expect(answerOf(relayRoutes.batch, reply).digest).toBe(digest);
    expect(answerOf(relayRoutes.session, await node.session()).streams).toMatchObject([{ digest }]);
    expect(lines).toEqual([]);
  });

  it('a difference is answered, logged with node and agent, and counted', async () => {
    const { log, lines } = listeningLog('warn');
    await using relay = await new TestRelay().start(log);
    const node = await relay.node();
    const change = makeChange({ seq: 1, doc: 1 });
    const reply = await node.batch({ header: { digest: EMPTY_DIGEST }, lines: [change.line] });
    expect(answerOf(relayRoutes.batch, reply).digest).toBe(digestOfChanges([change]));
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([{ node: 'htpc', agent: 'recruiter' }]);
    const { text } = await relay.call('GET', '/metrics', { token: relay.adminToken });
    expect(text.split('\n')).toContain('holdfast_digest_differences_total 1');
  });

  it('a batch with a refused change is answered without a digest', async () => {
    await using relay = await new TestRelay().start();
    const node = await relay.node();
    const lines = [...changeLines(1), edited(changeLines(1, 2)[0] ?? '', { hash: '0'.repeat(32) })];
    const reply = await node.batch({ header: { digest: EMPTY_DIGEST }, lines });
    expect(answerOf(relayRoutes.batch, reply)).toMatchObject({ rejects: [{ seq: 2 }] });
    expect(reply.json).not.toHaveProperty('digest');
  });

  it('the digests of an agent and its records are read by its own node only', async () => {
    await using relay = await new TestRelay().start();
    const node = await relay.node();
    const changes = [1, 2, 3].map((seq) => makeChange({ seq, ...(seq < 3 && { doc: { seq } }) }));
    await node.batch({ lines: changes.map(({ line }) => line) });
    const { digest, buckets } = answerOf(relayRoutes.digest, await node.buckets());
    expect(digest).toBe(digestOfChanges(changes));
    expect(buckets.filter((bucket) => bucket !== EMPTY_DIGEST)).toHaveLength(3);
    const page = await node.copyPage();
    const all = changes.map(({ line }) => JSON.parse(line) as unknown);
    expect(page.json).toEqual({ changes: all, next: null, leftOut: 0 });
    const [, second] = changes;
    const bucket = second === undefined ? -1 : bucketOf(second.row);
    expect(answerOf(relayRoutes.copy, await node.copyPage(`?bucket=${bucket}`)).changes).toMatchObject([{ id: 'r2' }]);
    const other = await relay.node('laptop');
    expect((await other.copyPage()).json).toEqual({ changes: [], next: null, leftOut: 0 });
    expect(answerOf(relayRoutes.digest, await other.buckets()).digest).toBe(EMPTY_DIGEST);
  });

  it.each(['?after=nowhere', '?bucket=256', '?bucket=-1', '?bucket=x', '?limit=1'])(
    'a page %s is refused',
    async (query) => {
      await using relay = await new TestRelay().start();
      const node = await relay.node();
      await node.batch({ lines: changeLines(1) });
      expect(codeOf(await node.copyPage(query))).toBe('invalid-request');
    },
  );

  it('a document that rotted on the disk shows by its hash, all others come, and that is said', async () => {
    const { log, lines } = listeningLog('warn');
    await using relay = await new TestRelay().start();
    const node = await relay.node();
    await node.batch({ lines: changeLines(3) });
    await relay.running.stop();
    const database = openDatabase(join(relay.directory, 'relay.db'));
    expect(database.prepare(`UPDATE records SET doc = '{"n":' WHERE seq = 2`).run().changes).toBe(1);
    database.close();
    await relay.start(log);
    const stream = (version: string) =>
      relay.call('GET', `/relay/streams/recruiter?incarnation=${INCARNATION}&after=0`, {
        token: node.credential,
        headers: { 'holdfast-protocol': version },
      });
    for (const { changes } of [
      answerOf(relayRoutes.copy, await node.copyPage()),
      answerOf(relayRoutes.stream, await stream('2')),
    ]) {
      expect(changes.map((change) => recordHash(rowOfChange(change)) === change.hash)).toEqual([true, false, true]);
    }
    expect(codeOf(await stream('1'))).toBe('storage-failed');
    const said = lines.filter((line) => line.includes('cannot be read any more: the node is told'));
    expect(said.map((line) => JSON.parse(line) as unknown)).toMatchObject(
      Array.from({ length: 3 }, () => ({ level: 50, node: 'htpc', agent: 'recruiter', records: 1 })),
    );
  });
});

describe('the digest that is kept', () => {
  it('is what counting gives, whatever came in whatever order', async () => {
    const random = seededRandom(testSeed());
    await using directory = await temporaryDirectory();
    const path = directory.file('relay.db');
    let store = new SqliteRelayStore(path, defaultConfig());
    const invitation = makeTokenEntry(1, { role: 'join', name: 'htpc', expiresAtMs: START_MS + 1000 });
    await store.addToken(invitation);
    await store.join(invitation.id, makeTokenEntry(2, { role: 'node', name: 'htpc' }));
    const speaker = { node: 'htpc', boot: BOOT, nowMs: START_MS, silentBeforeMs: START_MS - LEASE_MS };
    const anyChange = (seq: number): IncomingChange => {
      const id = `r${random.integer(1, 30)}`;
      const age = random.integer(1, 400);
      if (random.next() < 0.15) {
        const key = { resource: '', collection: 'notes', record: id, version: makeChange({ seq, age }).row.version };
        return { seq, line: '{}', refusal: { code: 'unsafe-document', reason: 'for the test', ...key } };
      }
      const expiresAtMs = random.next() < 0.2 ? START_MS + random.integer(1, 50) : null;
      return makeChange({ seq, age, id, expiresAtMs, ...(random.next() < 0.8 && { doc: random.integer(1, 3) }) });
    };
    const seqs = new Map([INCARNATION, 'd'.repeat(32)].map((incarnation) => [incarnation, 0]));
    for (let round = 0; round < 150; round += 1) {
      const incarnation = random.pick([...seqs.keys()]);
      const seq = seqs.get(incarnation) ?? 0;
      const dice = random.next();
      if (dice < 0.6) {
        const changes = Array.from({ length: random.integer(1, 5) }, (_, at) => anyChange(seq + at + 1));
        const upto = cursorAt(seq + changes.length);
        await store.takeBatch(makeBatch(changes, { incarnation, base: cursorAt(seq), upto }));
        seqs.set(incarnation, seq + changes.length);
      } else if (dice < 0.8) {
        await store.takeImmediate({ ...speaker, agent: 'recruiter', incarnation, change: anyChange(seq + 1) });
      } else if (dice < 0.9) {
        await store.sweepExpired(START_MS + random.integer(0, 50), 10);
      } else {
        await store.close();
        store = new SqliteRelayStore(path, defaultConfig());
      }
      const [stream] = await store.openSession({ ...speaker, predecessors: [] });
      const counted = await store.buckets('htpc', 'recruiter');
      expect(stream?.digest ?? EMPTY_DIGEST).toBe(counted.digest);
    }
    await store.close();
  });
});
