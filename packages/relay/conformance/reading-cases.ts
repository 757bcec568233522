/* oxlint-disable max-lines-per-function -- a group of tests is one call */
import { type NetworkQuery, type Record as PublicRecord, versionMs } from '@holdfast/protocol';
import type { Lines, StreamBounds } from '@holdfast/store';
import { describe, expect, it } from 'vitest';

import type { NodeReader } from '@holdfast/network';
import { useStore } from './enrolled.ts';
import type { MakeStore } from './store-under-test.ts';
import { cursorAt, INCARNATION, makeBatch, makeChange, makeRefused, START_MS } from './material.ts';

function sharing(...sharedAgents: string[]): NodeReader {
  return { node: 'laptop', sharedAgents, sharedCollections: [] };
}

function recordsOf({ text }: Lines): PublicRecord[] {
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as PublicRecord);
}

/** What is read back: streams, queries, lists; and what removes: expiry and decisions about dead letters. */
export function readingCases(make: MakeStore): void {
  describe('reading', () => {
    const open = useStore(make);
    const ids = async (query: NetworkQuery, reader?: NodeReader, nowMs = START_MS): Promise<string[]> => {
      const answer = await open().store.query(query, { nowMs, reader });
      return 'records' in answer ? answer.records.map(({ id }) => id) : [];
    };
    const fill = async (): Promise<void> => {
      const { store } = open();
      await store.takeBatch(makeBatch([makeChange({ seq: 1, id: 'a', doc: { n: 1 } })]));
      await store.takeBatch(
        makeBatch([makeChange({ seq: 1, id: 'b', resource: 'app:1', doc: { n: 2 } })], { agent: 'scout' }),
      );
      await store.takeBatch(
        makeBatch([makeChange({ seq: 1, id: 'c', collection: 'tasks', doc: { n: 3 } })], { node: 'laptop' }),
      );
    };

    it('a query spans nodes, agents and collections, and can be narrowed by each', async () => {
      await fill();
      await expect(ids({})).resolves.toEqual(['a', 'b', 'c']);
      await expect(ids({ collection: 'notes' })).resolves.toEqual(['a', 'b']);
      await expect(ids({ nodes: ['laptop'] })).resolves.toEqual(['c']);
      await expect(ids({ agents: ['scout'] })).resolves.toEqual(['b']);
      await expect(ids({ resources: ['app:1'] })).resolves.toEqual(['b']);
      await expect(ids({ nodes: [] })).resolves.toEqual([]);
      await expect(ids({ where: { node: 'htpc', agent: { ne: 'scout' } } })).resolves.toEqual(['a']);
    });

    it('a query for one node cannot see another, whatever it asks for', async () => {
      const laptop = { node: 'laptop', sharedAgents: [], sharedCollections: [] };
      await fill();
      await expect(ids({}, laptop)).resolves.toEqual(['c']);
      await expect(ids({ nodes: ['htpc'] }, laptop)).resolves.toEqual([]);
      await expect(ids({ where: { node: 'htpc' } }, laptop)).resolves.toEqual([]);
      await expect(ids({ where: { or: [{ node: 'htpc' }, { id: { exists: true } }] } }, laptop)).resolves.toEqual([
        'c',
      ]);
    });

    it('a query for an agent of a node sees its own, and of shared collections what all wrote', async () => {
      await fill();
      const reader = { node: 'laptop', sharedAgents: [], sharedCollections: ['notes'] };
      const recruiter = { ...reader, agent: 'recruiter' };
      await expect(ids({}, { ...recruiter, sharedCollections: [] })).resolves.toEqual(['c']);
      await expect(ids({ agents: ['scout'] }, { ...recruiter, sharedCollections: [] })).resolves.toEqual([]);
      await expect(ids({}, { ...reader, agent: 'other' })).resolves.toEqual(['a', 'b']);
      await expect(ids({}, recruiter)).resolves.toEqual(['a', 'b', 'c']);
      await expect(ids({ collection: 'notes', agents: ['scout'] }, recruiter)).resolves.toEqual(['b']);
      await expect(ids({ collection: 'tasks' }, { ...reader, node: 'htpc' })).resolves.toEqual([]);
      await expect(ids({}, { ...reader, sharedCollections: ['*'] })).resolves.toEqual(['a', 'b', 'c']);
    });

    it('a query for a node sees of others what agents wrote that are shared, if it has such an agent', async () => {
      await fill();
      await expect(ids({}, sharing('recruiter'))).resolves.toEqual(['a', 'c']);
      await expect(ids({ nodes: ['htpc'] }, sharing('*'))).resolves.toEqual(['a']);
      await expect(ids({}, sharing('scout'))).resolves.toEqual(['c']);
      await expect(ids({ agents: ['scout'] }, sharing('*'))).resolves.toEqual([]);
    });

    it('an answer says whose each record is', async () => {
      await fill();
      const answer = await open().store.query({ agents: ['scout'] }, { nowMs: START_MS });
      expect(answer).toMatchObject({
        records: [{ node: 'htpc', agent: 'scout', resource: 'app:1', collection: 'notes', id: 'b', doc: { n: 2 } }],
        next: null,
      });
    });

    it('groups count by node and agent', async () => {
      await fill();
      const answer = await open().store.query(
        { aggregate: { groupBy: ['node', 'agent'], metrics: { n: { count: '*' } } } },
        { nowMs: START_MS },
      );
      expect(answer).toEqual({
        groups: [
          { node: 'htpc', agent: 'recruiter', n: 1 },
          { node: 'htpc', agent: 'scout', n: 1 },
          { node: 'laptop', agent: 'recruiter', n: 1 },
        ],
      });
    });

    it('filters are put together and metrics computed as on a node', async () => {
      const docs = [
        { n: 1, tags: ['a'] },
        { n: 2, tags: ['a', 'b'] },
        { n: 6, tags: [] },
      ];
      await open().store.takeBatch(makeBatch(docs.map((doc, index) => makeChange({ seq: index + 1, doc }))));
      const where = { or: [{ tags: { hasAny: ['b'] } }, { n: { lt: 2 } }], not: [{ node: 'laptop' }] };
      const metrics = { mean: { avg: 'n' }, high: { p95: 'n' }, last: { max: 'updated_at' } };
      const bucket = { field: 'created_at', every: '1h' };
      const asked = { where, aggregate: { bucket, groupBy: ['node'], metrics } };
      const last = new Date(1002).toISOString();
      await expect(open().store.query(asked, { nowMs: START_MS })).resolves.toEqual({
        groups: [{ created_at: new Date(0).toISOString(), node: 'htpc', mean: 1.5, high: 2, last }],
      });
      await expect(open().store.query({ where, explain: true }, { nowMs: START_MS })).resolves.toHaveProperty(
        'plan.steps',
      );
    });

    it('pages give each record once while others are written and removed between them', async () => {
      const { store } = open();
      const changes = Array.from({ length: 50 }, (_, index) =>
        makeChange({ seq: index + 1, id: `k${String(index).padStart(3, '0')}`, doc: { index } }),
      );
      await store.takeBatch(makeBatch(changes));
      const seen: string[] = [];
      let after: string | undefined;
      for (let seq = 51; ; seq += 1) {
        const answer = await store.query({ limit: 7, ...(after !== undefined && { after }) }, { nowMs: START_MS });
        if (!('records' in answer)) throw new Error('not a page');
        seen.push(...answer.records.map(({ id }) => id));
        if (answer.next === null) break;
        after = answer.next;
        // Rewrites a record of a page already shown: it moves in the feed and must not show again.
        await store.takeBatch(makeBatch([makeChange({ seq, id: 'k000', doc: { again: seq } })]));
      }
      expect(seen).toEqual(changes.map(({ row }) => row.id));
    });

    it('a stream gives what the pages give, ends where its bounds are, and goes on from there', async () => {
      const { store } = open();
      const changes = Array.from({ length: 1200 }, (_, index) => makeChange({ seq: index + 1, doc: { n: index % 7 } }));
      await store.takeBatch(makeBatch(changes.slice(0, 1000)));
      await store.takeBatch(makeBatch(changes.slice(1000)));
      const query: NetworkQuery = { where: { n: { ne: 3 } }, orderBy: [{ n: 'desc' }], select: ['n'] };
      const streamed = async (part: NetworkQuery, bounds: StreamBounds): Promise<[PublicRecord[], string | null]> => {
        const records: PublicRecord[] = [];
        const stream = store.stream({ ...query, ...part }, { nowMs: START_MS, bounds });
        let group = await stream.next();
        for (; group.done !== true; group = await stream.next()) records.push(...recordsOf(group.value));
        return [records, group.value];
      };
      const unbounded = { records: 1_000_000, bytes: 1_000_000_000 };
      const [all, end] = await streamed({}, unbounded);
      expect([all.length, end]).toEqual([1200 - 171, null]);
      const page = await store.query({ ...query, limit: 5 }, { nowMs: START_MS });
      expect('records' in page && page.records).toEqual(all.slice(0, 5));
      const [first, afterFirst] = await streamed({}, { ...unbounded, records: 1010 });
      const [second, afterSecond] = await streamed({ after: afterFirst ?? '', limit: 10 }, unbounded);
      const [third, afterThird] = await streamed({ after: afterSecond ?? '' }, { ...unbounded, bytes: 1 });
      expect([first.length, second.length, third.length > 0]).toEqual([1010, 10, true]);
      const [rest] = afterThird === null ? [[]] : await streamed({ after: afterThird }, unbounded);
      expect([...first, ...second, ...third, ...rest]).toEqual(all);
    });

    it('a stream is of records, and of what its reader may see', async () => {
      await fill();
      const bounds = { records: 10, bytes: 1_000_000 };
      const { store } = open();
      const counted = { aggregate: { metrics: { n: { count: '*' } } } } as const;
      for (const query of [counted, { explain: true }]) {
        const refused = store.stream(query, { nowMs: START_MS, bounds }).next();
        await expect(refused).rejects.toMatchObject({ code: 'invalid-request' });
      }
      const { value } = await store
        .stream({}, { nowMs: START_MS, bounds, reader: { node: 'laptop', sharedAgents: [], sharedCollections: [] } })
        .next();
      if (value === null || typeof value === 'string') throw new Error('the stream has no records');
      expect(recordsOf(value)).toMatchObject([{ node: 'laptop', id: 'c' }]);
    });

    it('a page token of another query or another reader is refused', async () => {
      await fill();
      const first = await open().store.query({ limit: 1 }, { nowMs: START_MS });
      const after = 'next' in first && first.next !== null ? first.next : '';
      const refused = { code: 'invalid-request' };
      await expect(
        open().store.query({ limit: 1, collection: 'notes', after }, { nowMs: START_MS }),
      ).rejects.toMatchObject(refused);
      await expect(
        open().store.query(
          { limit: 1, after },
          { nowMs: START_MS, reader: { node: 'htpc', sharedAgents: [], sharedCollections: [] } },
        ),
      ).rejects.toMatchObject(refused);
    });

    it('deleted records are not seen, and a later write brings one back', async () => {
      const { store } = open();
      await store.takeBatch(makeBatch([makeChange({ seq: 1, id: 'x', doc: 1 }), makeChange({ seq: 2, id: 'x' })]));
      await expect(ids({})).resolves.toEqual([]);
      await expect(store.collections()).resolves.toEqual([
        { name: 'notes', records: 0, declared: undefined, unindexed: [] },
      ]);
      await store.takeBatch(makeBatch([makeChange({ seq: 3, id: 'x', doc: 2 })]));
      await expect(ids({})).resolves.toEqual(['x']);
      await expect(store.collections()).resolves.toEqual([
        { name: 'notes', records: 1, declared: undefined, unindexed: [] },
      ]);
    });

    it('expired records are invisible at once and swept in bounded steps', async () => {
      const { store } = open();
      const expiresAtMs = START_MS + 1000;
      const changes = [1, 2, 3, 4, 5].map((seq) => makeChange({ seq, doc: {}, ...(seq < 4 && { expiresAtMs }) }));
      await store.takeBatch(makeBatch(changes));
      await expect(ids({}, undefined, expiresAtMs - 1)).resolves.toHaveLength(5);
      await expect(ids({}, undefined, expiresAtMs)).resolves.toEqual(['r4', 'r5']);
      await expect(store.sweepExpired(expiresAtMs - 1, 2)).resolves.toBe(0);
      await expect(store.sweepExpired(expiresAtMs, 2)).resolves.toBe(2);
      await expect(store.sweepExpired(expiresAtMs, 2)).resolves.toBe(1);
      await expect(store.sweepExpired(expiresAtMs, 2)).resolves.toBe(0);
      await expect(store.collections()).resolves.toEqual([
        { name: 'notes', records: 2, declared: undefined, unindexed: [] },
      ]);
      await expect(store.nodes()).resolves.toMatchObject([{ agents: [{ records: 2 }] }, {}]);
    });

    it('a stream is read back in seq order, tombstones too, above a seq', async () => {
      const { store } = open();
      const stream = { node: 'htpc', agent: 'recruiter', incarnation: INCARNATION };
      await store.takeBatch(
        makeBatch([
          makeChange({ seq: 1, id: 'x', doc: 1 }),
          makeChange({ seq: 2, doc: 2 }),
          makeChange({ seq: 3, id: 'x' }),
        ]),
      );
      const whole = await store.streamPart(stream, 0);
      expect(whole.cursor).toEqual(cursorAt(3));
      expect(whole.more).toBe(false);
      expect(whole.rows).toEqual([makeChange({ seq: 2, doc: 2 }).row, makeChange({ seq: 3, id: 'x' }).row]);
      await expect(store.streamPart(stream, 2)).resolves.toMatchObject({ rows: [{ seq: 3 }] });
      await expect(store.streamPart({ ...stream, node: 'laptop' }, 0)).resolves.toEqual({
        cursor: cursorAt(0),
        rows: [],
        more: false,
      });
    });

    it('a long stream comes in parts that say there is more', async () => {
      const { store } = open();
      const stream = { node: 'htpc', agent: 'recruiter', incarnation: INCARNATION };
      for (let base = 0; base < 2000; base += 1000) {
        await store.takeBatch(
          makeBatch(Array.from({ length: 1000 }, (_, index) => makeChange({ seq: base + index + 1, doc: 0 }))),
        );
      }
      const first = await store.streamPart(stream, 0);
      expect(first.more).toBe(true);
      const second = await store.streamPart(stream, first.rows.at(-1)?.seq ?? 0);
      expect(second.more).toBe(false);
      expect([...first.rows, ...second.rows].map(({ seq }) => seq)).toEqual(
        Array.from({ length: 2000 }, (_, at) => at + 1),
      );
    });

    it('nodes tell their agents, boots, contacts and dead letters', async () => {
      const { store } = open();
      await store.takeBatch(makeBatch([makeChange({ seq: 1, doc: {} }), makeRefused(2)], { nowMs: START_MS + 5 }));
      const [htpc, laptop] = await store.nodes();
      const at = new Date(START_MS + 5).toISOString();
      expect(htpc).toEqual({
        node: 'htpc',
        joined_at: new Date(START_MS).toISOString(),
        last_contact_at: at,
        boot: 'b'.repeat(32),
        agents: [{ agent: 'recruiter', records: 1, cursor_seq: 2, last_change_at: at }],
        dead_letters: 1,
      });
      expect(laptop).toMatchObject({ node: 'laptop', last_contact_at: null, boot: null, agents: [], dead_letters: 0 });
      await expect(store.figures()).resolves.toMatchObject({ nodes: 2, deadLetters: 1 });
    });

    it('a dead letter is shown with its change, tried again, and dropped', async () => {
      const { store } = open();
      await store.takeBatch(makeBatch([makeRefused(1), makeRefused(2)]));
      const [newest, oldest] = await store.deadLetters(10);
      if (newest === undefined || oldest === undefined) throw new Error('two dead letters were expected');
      expect([newest.seq, oldest.seq]).toEqual([2, 1]);
      await expect(store.deadLetters(1)).resolves.toEqual([newest]);
      await expect(store.deadLetter(oldest.id)).resolves.toEqual({ ...oldest, change: '{"seq":1}' });
      const again = await store.retryDeadLetter(oldest.id, makeRefused(1, 'still refused'), START_MS + 9);
      expect(again.rejects).toMatchObject([{ seq: 1, reason: 'still refused' }]);
      await expect(store.deadLetter(oldest.id)).resolves.toMatchObject({ reason: 'still refused' });
      await store.retryDeadLetter(oldest.id, makeChange({ seq: 1, id: 'x', doc: {} }), START_MS);
      await expect(ids({})).resolves.toEqual(['x']);
      await store.dropDeadLetter(newest.id);
      await expect(store.deadLetters(10)).resolves.toEqual([]);
      const gone = { code: 'dead-letter-not-found' };
      await expect(store.deadLetter(newest.id)).rejects.toMatchObject(gone);
      await expect(store.dropDeadLetter(newest.id)).rejects.toMatchObject(gone);
      await expect(store.retryDeadLetter(newest.id, makeRefused(2), START_MS)).rejects.toMatchObject(gone);
    });

    it('a check passes and leaves the versions as they were', async () => {
      const { store } = open();
      await store.takeBatch(makeBatch([makeChange({ seq: 1, doc: {} })]));
      await expect(store.check()).resolves.toBeUndefined();
      const answer = await store.query({}, { nowMs: START_MS });
      expect('records' in answer && answer.records.map(({ version }) => versionMs(version))).toEqual([1]);
    });
  });
}
