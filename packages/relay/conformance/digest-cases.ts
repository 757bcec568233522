/* oxlint-disable max-lines-per-function -- a group of tests is one call */
import { setImmediate as nextTurn } from 'node:timers/promises';

import { DIGEST_BUCKETS, ZERO_VERSION } from '@holdfast/protocol';
import { bucketOf, digestOf, digestShare, digestText, EMPTY_DIGEST, type RecordRow } from '@holdfast/store';
import { describe, expect, it } from 'vitest';

import type { AgentPart, IncomingChange } from '../src/index.ts';
import { useStore } from './enrolled.ts';
import {
  BOOT,
  cursorAt,
  INCARNATION,
  LEASE_MS,
  makeBatch,
  makeChange,
  makeRefused,
  START_MS,
  versionOf,
} from './material.ts';
import type { MakeStore } from './store-under-test.ts';

const SECOND = 'd'.repeat(32);
const OTHER_DIGEST = 'f'.repeat(16);

const digestOfRows = (rows: readonly RecordRow[]): string =>
  digestText(rows.reduce((digest, row) => digest ^ digestShare(row), 0n));

const rowsOf = (changes: readonly ReturnType<typeof makeChange>[]): RecordRow[] => changes.map(({ row }) => row);

/** A change that was refused, of a record that can be named. */
function refusedVersion(seq: number, id: string, age: number): IncomingChange {
  const key = { resource: '', collection: 'notes', record: id, version: versionOf(age) };
  return { seq, line: `{"seq":${seq}}`, refusal: { code: 'unsafe-document', reason: 'for the test', ...key } };
}

/** Digests, and reading an agent whole (protocol rule 12). */
export function digestCases(make: MakeStore): void {
  describe('comparing', () => {
    const open = useStore(make);
    const speaker = { node: 'htpc', boot: BOOT, nowMs: START_MS, silentBeforeMs: START_MS - LEASE_MS };
    const digests = async (): Promise<string[]> => {
      const streams = await open().store.openSession({ ...speaker, predecessors: [] });
      return streams.map(({ digest }) => digest);
    };
    const immediate = (change: IncomingChange) =>
      open().store.takeImmediate({ ...speaker, agent: 'recruiter', incarnation: INCARNATION, change });
    const pages = async (part: AgentPart = {}, agent = 'recruiter', node = 'htpc'): Promise<RecordRow[]> => {
      const rows: RecordRow[] = [];
      let { after } = part;
      do {
        const page = await open().store.copyPage(node, agent, { ...part, after });
        rows.push(...page.rows);
        after = page.next ?? undefined;
      } while (after !== undefined);
      return rows;
    };

    it('the digest of an agent is that of its records as they are, tombstones too, those that expire left out', async () => {
      const { store } = open();
      const first = [
        makeChange({ seq: 1, doc: 1 }),
        makeChange({ seq: 2, doc: 2 }),
        makeChange({ seq: 3, doc: 3, expiresAtMs: START_MS + 1 }),
      ];
      await store.takeBatch(makeBatch(first));
      await expect(digests()).resolves.toEqual([digestOfRows(rowsOf(first))]);
      const second = [
        makeChange({ seq: 4, id: 'r1' }),
        makeChange({ seq: 5, id: 'r2', doc: 2, expiresAtMs: START_MS + 1 }),
        makeChange({ seq: 6, id: 'r3', doc: 3 }),
      ];
      await store.takeBatch(makeBatch(second));
      await expect(digests()).resolves.toEqual([digestOfRows(rowsOf(second))]);
      await store.sweepExpired(START_MS + 1, 10);
      await open().reopen();
      await expect(digests()).resolves.toEqual([digestOfRows(rowsOf(second))]);
    });

    it('an agent has one digest over all its streams, and another agent another', async () => {
      const { store } = open();
      const changes = [
        makeChange({ seq: 1, id: 'a', doc: 1 }),
        makeChange({ seq: 1, age: 9, id: 'b', doc: 2 }),
      ] as const;
      await store.takeBatch(makeBatch([changes[0]]));
      await store.takeBatch(makeBatch([changes[1]], { incarnation: SECOND }));
      await store.takeBatch(makeBatch([], { agent: 'scout', base: cursorAt(0), upto: cursorAt(1) }));
      const both = digestOfRows(rowsOf(changes));
      await expect(digests()).resolves.toEqual([both, both, EMPTY_DIGEST]);
    });

    it('what was known already or is older changes no digest', async () => {
      const change = makeChange({ seq: 2, age: 9, id: 'x', doc: 1 });
      await immediate(change);
      await immediate(change);
      await immediate(makeChange({ seq: 1, age: 8, id: 'x', doc: 0 }));
      await expect(digests()).resolves.toEqual([digestOfRows([change.row])]);
    });

    it('a batch that brings a digest is answered with the one here, a batch without with none', async () => {
      const { store } = open();
      const first = makeBatch([makeChange({ seq: 1, doc: 1 })]);
      expect((await store.takeBatch(first)).digest).toBeUndefined();
      const change = makeChange({ seq: 2, doc: 2 });
      const taken = await store.takeBatch(makeBatch([change], { digest: OTHER_DIGEST }));
      expect(taken.digest).toBe(digestOfRows([makeChange({ seq: 1, doc: 1 }).row, change.row]));
    });

    it('a batch with a refused change is not compared', async () => {
      const batch = makeBatch([makeChange({ seq: 1, doc: 1 }), makeRefused(2)], { digest: OTHER_DIGEST });
      expect((await open().store.takeBatch(batch)).digest).toBeUndefined();
    });

    it('a batch is not compared while something of its stream came from above it', async () => {
      await immediate(makeChange({ seq: 5, doc: 5 }));
      const { store } = open();
      const below = await store.takeBatch(makeBatch([makeChange({ seq: 1, doc: 1 })], { digest: OTHER_DIGEST }));
      expect(below.digest).toBeUndefined();
      const upto = { base: cursorAt(1), upto: cursorAt(5), digest: OTHER_DIGEST };
      expect((await store.takeBatch(makeBatch([], upto))).digest).toBeDefined();
    });

    it('the version before a refused one leaves the digest, until a newer one comes or it comes again', async () => {
      const { store } = open();
      const old = makeChange({ seq: 1, id: 'x', doc: 1 });
      await store.takeBatch(makeBatch([old]));
      await store.takeBatch(makeBatch([refusedVersion(2, 'x', 2)]));
      await expect(digests()).resolves.toEqual([EMPTY_DIGEST]);
      await immediate(refusedVersion(3, 'x', 3));
      await expect(digests()).resolves.toEqual([EMPTY_DIGEST]);
      await expect(pages({ bucket: bucketOf(old.row) })).resolves.toEqual([]);
      await expect(pages()).resolves.toEqual([old.row]);
      await immediate(old);
      await expect(digests()).resolves.toEqual([digestOfRows([old.row])]);
      await immediate(refusedVersion(4, 'x', 4));
      const newer = makeChange({ seq: 5, id: 'x', doc: 5 });
      await immediate(newer);
      await expect(digests()).resolves.toEqual([digestOfRows([newer.row])]);
    });

    it('that version comes back as well when the node has lost the refused one and sends an older one as what it has', async () => {
      const { store } = open();
      const [old, held] = [makeChange({ seq: 1, id: 'x', doc: 1 }), makeChange({ seq: 2, id: 'x', doc: 2 })] as const;
      await store.takeBatch(makeBatch([held], { base: cursorAt(0) }));
      await immediate(refusedVersion(3, 'x', 3));
      await immediate(old);
      await expect(digests()).resolves.toEqual([EMPTY_DIGEST]);
      const sentAgain = makeBatch([makeChange({ seq: 4, age: 1, id: 'x', doc: 1 })], { base: cursorAt(2) });
      await expect(store.takeBatch(sentAgain)).resolves.toMatchObject({ stale: 1 });
      await expect(digests()).resolves.toEqual([digestOfRows([held.row])]);
      await expect(pages({ bucket: bucketOf(held.row) })).resolves.toEqual([held.row]);
    });

    it('and again when the agent begins another stream, whose file knows of no refusal', async () => {
      const { store } = open();
      const held = makeChange({ seq: 1, id: 'x', doc: 1 });
      await store.takeBatch(makeBatch([held]));
      await store.takeBatch(makeBatch([refusedVersion(2, 'x', 2)]));
      await expect(digests()).resolves.toEqual([EMPTY_DIGEST]);
      const place = { incarnation: SECOND, base: cursorAt(0), upto: cursorAt(1) };
      await store.takeBatch(makeBatch([], place));
      const both = digestOfRows([held.row]);
      await expect(digests()).resolves.toEqual([both, both]);
      await store.takeBatch(makeBatch([refusedVersion(2, 'x', 2)], { ...place, base: cursorAt(1), upto: cursorAt(2) }));
      await expect(digests()).resolves.toEqual([EMPTY_DIGEST, EMPTY_DIGEST]);
    });

    it('and when a start takes over that does not go on from the one that was refused', async () => {
      const { store } = open();
      const held = makeChange({ seq: 1, id: 'x', doc: 1 });
      await store.takeBatch(makeBatch([held]));
      await store.takeBatch(makeBatch([refusedVersion(2, 'x', 2)]));
      const nowMs = START_MS + 2 * LEASE_MS;
      const late = { node: 'htpc', nowMs, silentBeforeMs: nowMs - LEASE_MS };
      const successor = { ...late, boot: 'd'.repeat(32), predecessors: [BOOT] };
      await expect(store.openSession(successor)).resolves.toMatchObject([{ digest: EMPTY_DIGEST }]);
      const stranger = { ...late, boot: 'e'.repeat(32), predecessors: [BOOT], silentBeforeMs: nowMs + 1 };
      await expect(store.openSession(stranger)).resolves.toMatchObject([{ digest: digestOfRows([held.row]) }]);
    });

    it('other content under one version is refused and stays in the digest, so that the difference shows', async () => {
      const change = makeChange({ seq: 1, id: 'x', doc: 1 });
      await immediate(change);
      await immediate(makeChange({ seq: 1, id: 'x', doc: 2 }));
      await expect(digests()).resolves.toEqual([digestOfRows([change.row])]);
    });

    it('a damaged record leaves the digest, and whatever comes of it replaces it', async () => {
      const { store } = open();
      const changes = [1, 2, 3].map((seq) => makeChange({ seq, doc: { seq } }));
      await store.takeBatch(makeBatch(changes));
      const whole = digestOfRows(rowsOf(changes));
      await expect(store.distrust([2, 2, 999])).resolves.toBe(1);
      await expect(store.distrust([2])).resolves.toBe(0);
      const left = rowsOf(changes).filter(({ seq }) => seq !== 2);
      await expect(digests()).resolves.toEqual([digestOfRows(left)]);
      await expect(store.buckets('htpc', 'recruiter')).resolves.toMatchObject({ digest: digestOfRows(left) });
      const [, damaged] = rowsOf(changes);
      const bucket = damaged === undefined ? 0 : bucketOf(damaged);
      await expect(pages({ bucket })).resolves.toEqual(left.filter((row) => bucketOf(row) === bucket));
      const again = makeChange({ seq: 4, age: 2, id: 'r2', doc: { seq: 2 } });
      const taken = await store.takeBatch(makeBatch([again], { digest: whole, upto: cursorAt(4, 2) }));
      expect(taken).toMatchObject({ applied: 1, digest: whole });
      await expect(store.buckets('htpc', 'recruiter')).resolves.toMatchObject({ digest: whole });
      await expect(store.collections()).resolves.toEqual([
        { name: 'notes', records: 3, declared: undefined, unindexed: [] },
      ]);
    });

    it('the buckets are those of the records, and make up the digest', async () => {
      const { store } = open();
      const changes = Array.from({ length: 700 }, (_, index) => makeChange({ seq: index + 1, doc: index }));
      await store.takeBatch(makeBatch(changes));
      await store.takeBatch(makeBatch([makeChange({ seq: 1, age: 9000, id: 'y', doc: 1 })], { incarnation: SECOND }));
      const all = rowsOf([...changes, makeChange({ seq: 1, age: 9000, id: 'y', doc: 1 })]);
      const { digest, buckets } = await store.buckets('htpc', 'recruiter');
      expect(digest).toBe(digestOfRows(all));
      expect([digest]).toEqual((await digests()).slice(0, 1));
      const expected = Array.from({ length: DIGEST_BUCKETS }, (_, bucket) =>
        digestOfRows(all.filter((row) => bucketOf(row) === bucket)),
      );
      expect(buckets).toEqual(expected);
      expect(buckets.reduce((sum, bucket) => sum ^ digestOf(bucket), 0n)).toBe(digestOf(digest));
    });

    it('an agent is read whole over pages and streams, each record once, and by bucket too', async () => {
      const { store } = open();
      for (let base = 0; base < 2000; base += 1000) {
        await store.takeBatch(
          makeBatch(Array.from({ length: 1000 }, (_, at) => makeChange({ seq: base + at + 1, doc: base + at }))),
        );
      }
      const again = makeChange({ seq: 1, age: 5000, id: 'r7' });
      const added = makeChange({ seq: 2, age: 5001, id: 'new', doc: 1, expiresAtMs: START_MS + 1 });
      await store.takeBatch(makeBatch([again, added], { incarnation: SECOND, base: cursorAt(0) }));
      const whole = await pages();
      expect(whole).toHaveLength(2001);
      expect(new Set(whole.map(({ id }) => id)).size).toBe(2001);
      expect(whole.slice(-2)).toEqual([again.row, added.row]);
      const inBucket = whole.filter((row) => bucketOf(row) === 77);
      expect(inBucket.length).toBeGreaterThan(0);
      await expect(pages({ bucket: 77 })).resolves.toEqual(inBucket);
    });

    it('a page ends at about 4 MiB, and has one record at least', async () => {
      const { store } = open();
      const text = 'x'.repeat(900_000);
      for (let seq = 1; seq <= 8; seq += 1) await store.takeBatch(makeBatch([makeChange({ seq, doc: { text } })]));
      const first = await store.copyPage('htpc', 'recruiter', {});
      expect(first.rows).toHaveLength(5);
      await expect(pages()).resolves.toHaveLength(8);
    });

    it('records of one seq, as a node that was put back leaves them, are all read', async () => {
      const { store } = open();
      const first = Array.from({ length: 1000 }, (_, at) => makeChange({ seq: at + 1, doc: at }));
      await store.takeBatch(makeBatch(first));
      const twins = [
        makeChange({ seq: 1000, age: 2000, id: 'twin', doc: 1 }),
        makeChange({ seq: 1001, doc: 2 }),
      ] as const;
      await immediate(twins[0]);
      await immediate(twins[1]);
      await expect(pages()).resolves.toEqual(rowsOf([...first, ...twins]));
      const stream = { node: 'htpc', agent: 'recruiter', incarnation: INCARNATION };
      const part = await store.streamPart(stream, 0);
      const rest = await store.streamPart(stream, part.rows.at(-1)?.seq ?? 0);
      expect([...part.rows, ...rest.rows]).toEqual(rowsOf([...first, ...twins]));
    });

    it('a page ends all the same when a node gone wrong brings ever more records of one seq', async () => {
      const { store } = open();
      const text = 'x'.repeat(900_000);
      for (let at = 1; at <= 30; at += 1) await immediate(makeChange({ seq: 1, age: at, id: `r${at}`, doc: { text } }));
      const { rows, more } = await store.streamPart({ node: 'htpc', agent: 'recruiter', incarnation: INCARNATION }, 0);
      expect(rows.length).toBeLessThan(25);
      expect(more).toBe(true);
    });

    it('however many compare at once, others have their turn after each step', async () => {
      const { store } = open();
      for (let from = 0; from < 3000; from += 1000) {
        const part = Array.from({ length: 1000 }, (_, at) => makeChange({ seq: from + at + 1, doc: 1 }));
        await store.takeBatch(makeBatch(part));
      }
      const others = { turns: 0, areDone: false };
      const turning = (async () => {
        for (; !others.areDone; others.turns += 1) await nextTurn();
      })();
      await Promise.all(Array.from({ length: 20 }, () => store.buckets('htpc', 'recruiter')));
      others.areDone = true;
      await turning;
      expect(others.turns).toBeGreaterThanOrEqual(20 * 3);
    });

    it('a record that changes between two pages is met again, and none that stands still is passed over', async () => {
      const { store } = open();
      const changes = Array.from({ length: 1500 }, (_, at) => makeChange({ seq: at + 1, doc: at }));
      await store.takeBatch(makeBatch(changes.slice(0, 1000)));
      await store.takeBatch(makeBatch(changes.slice(1000)));
      const first = await store.copyPage('htpc', 'recruiter', {});
      const moved = [
        makeChange({ seq: 1501, id: 'r3', doc: 'met' }),
        makeChange({ seq: 1502, id: 'r1200', doc: 'not yet' }),
      ];
      await store.takeBatch(makeBatch(moved));
      const rest = await pages({ after: first.next ?? '' });
      const still = rowsOf(changes.slice(1000)).filter(({ id }) => id !== 'r1200');
      expect(rest).toEqual([...still, ...rowsOf(moved)]);
    });

    it('nobody reads the agents of another node, and an unknown agent has nothing', async () => {
      await open().store.takeBatch(makeBatch([makeChange({ seq: 1, doc: 1 })]));
      for (const [node, agent] of [
        ['laptop', 'recruiter'],
        ['htpc', 'scout'],
        ['nobody', 'recruiter'],
      ] as const) {
        await expect(open().store.copyPage(node, agent, { after: '1.0.0' })).resolves.toEqual({ rows: [], next: null });
        const buckets = await open().store.buckets(node, agent);
        expect(new Set([buckets.digest, ...buckets.buckets])).toEqual(new Set([EMPTY_DIGEST]));
      }
    });

    it.each(['', '1', '1.2', '1.2.3.4', '-1.0.0', "1'.0.0"])('the page after %j is refused', async (after) => {
      await open().store.takeBatch(makeBatch([makeChange({ seq: 1, doc: 1 })]));
      await expect(open().store.copyPage('htpc', 'recruiter', { after })).rejects.toMatchObject({
        code: 'invalid-request',
      });
    });

    it('a new stream begins with a cursor at nothing and the digest of what the agent has', async () => {
      const { store } = open();
      const change = makeChange({ seq: 1, doc: 1 });
      await store.takeBatch(makeBatch([change]));
      const upto = { seq: 1, version: versionOf(1) };
      const base = { seq: 0, version: ZERO_VERSION };
      const digest = digestOfRows([change.row]);
      const taken = await store.takeBatch(makeBatch([], { incarnation: SECOND, base, upto, digest }));
      expect(taken.digest).toBe(digest);
    });
  });
}
