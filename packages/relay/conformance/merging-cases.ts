/* oxlint-disable max-lines-per-function -- a group of tests is one call */
import { describe, expect, it } from 'vitest';

import { useStore } from './enrolled.ts';
import type { MakeStore } from './store-under-test.ts';
import { BOOT, cursorAt, INCARNATION, LEASE_MS, makeBatch, makeChange, makeRefused, START_MS } from './material.ts';

const fastLane = {
  node: 'htpc',
  agent: 'recruiter',
  incarnation: INCARNATION,
  boot: BOOT,
  nowMs: START_MS,
  silentBeforeMs: START_MS - LEASE_MS,
};

/** Taking changes (protocol rules 3, 4, 5 and 8). */
export function mergingCases(make: MakeStore): void {
  describe('taking changes', () => {
    const open = useStore(make);
    const documents = async (): Promise<unknown[]> => {
      const answer = await open().store.query({}, { nowMs: START_MS });
      return 'records' in answer ? answer.records.map(({ id, doc }) => [id, doc]) : [];
    };
    const cursor = async () => {
      const stream = { node: 'htpc', agent: 'recruiter', incarnation: INCARNATION };
      return (await open().store.streamPart(stream, 0)).cursor;
    };
    const immediate = (change: ReturnType<typeof makeChange>) =>
      open().store.takeImmediate({
        ...fastLane,
        change,
      });

    it('a batch moves the cursor to its last change', async () => {
      const batch = makeBatch([makeChange({ seq: 2, doc: { a: 1 } }), makeChange({ seq: 5, doc: { a: 2 } })], {
        base: cursorAt(0),
      });
      await expect(open().store.takeBatch(batch)).resolves.toEqual({ applied: 2, stale: 0, rejects: [] });
      await expect(cursor()).resolves.toEqual(cursorAt(5));
      await expect(documents()).resolves.toEqual([
        ['r2', { a: 1 }],
        ['r5', { a: 2 }],
      ]);
    });

    it('an empty batch moves the cursor over what cannot be sent', async () => {
      await open().store.takeBatch(makeBatch([], { base: cursorAt(0), upto: cursorAt(7) }));
      await expect(cursor()).resolves.toEqual(cursorAt(7));
    });

    it('a batch sent twice is refused the second time with the cursor, and changes nothing', async () => {
      const { store } = open();
      const batch = makeBatch([makeChange({ seq: 1, doc: {} })]);
      await store.takeBatch(batch);
      await expect(store.takeBatch(batch)).rejects.toMatchObject({
        code: 'cursor-mismatch',
        extensions: { cursor: cursorAt(1) },
      });
    });

    it('a batch from ahead of the cursor is refused with the cursor, and changes nothing', async () => {
      const { store } = open();
      await expect(store.takeBatch(makeBatch([makeChange({ seq: 4, doc: {} })]))).rejects.toMatchObject({
        code: 'cursor-mismatch',
        extensions: { cursor: cursorAt(0) },
      });
      await expect(documents()).resolves.toEqual([]);
      await expect(store.nodes()).resolves.toMatchObject([{ node: 'htpc', agents: [] }, { node: 'laptop' }]);
    });

    it('the right seq with another version is another place', async () => {
      const { store } = open();
      await store.takeBatch(makeBatch([makeChange({ seq: 1, doc: {} })]));
      const forked = makeBatch([makeChange({ seq: 2, doc: {} })], { base: cursorAt(1, 99) });
      await expect(store.takeBatch(forked)).rejects.toMatchObject({ code: 'cursor-mismatch' });
    });

    it('of two changes of one record the higher version wins, in whichever order they come', async () => {
      const { store } = open();
      await store.takeBatch(makeBatch([makeChange({ seq: 1, age: 20, id: 'x', doc: { v: 'new' } })]));
      const older = makeBatch([makeChange({ seq: 2, age: 10, id: 'x', doc: { v: 'old' } })], { base: cursorAt(1, 20) });
      await expect(store.takeBatch(older)).resolves.toMatchObject({ applied: 0, stale: 1 });
      await expect(documents()).resolves.toEqual([['x', { v: 'new' }]]);
      const newer = makeBatch([makeChange({ seq: 3, age: 30, id: 'x', doc: { v: 'newest' } })], {
        base: cursorAt(2, 10),
      });
      await expect(store.takeBatch(newer)).resolves.toMatchObject({ applied: 1, stale: 0 });
      await expect(documents()).resolves.toEqual([['x', { v: 'newest' }]]);
    });

    it('the same change again is stale, and other content under its version is refused', async () => {
      const { store } = open();
      const change = makeChange({ seq: 1, id: 'x', doc: { v: 1 } });
      await store.takeBatch(makeBatch([change]));
      await expect(immediate(change)).resolves.toEqual({ applied: 0, stale: 1, rejects: [] });
      const forged = makeChange({ seq: 1, id: 'x', doc: { v: 2 } });
      const taken = await immediate(forged);
      expect(taken.rejects).toMatchObject([{ seq: 1, code: 'invalid-request' }]);
      await expect(documents()).resolves.toEqual([['x', { v: 1 }]]);
    });

    it('records of other agents, resources and collections are other records', async () => {
      const { store } = open();
      const parts = { seq: 1, id: 'x' };
      await store.takeBatch(makeBatch([makeChange({ ...parts, doc: 1 })]));
      await store.takeBatch(makeBatch([makeChange({ ...parts, doc: 2 })], { agent: 'scout' }));
      await store.takeBatch(makeBatch([makeChange({ ...parts, doc: 3 })], { node: 'laptop' }));
      await immediate(makeChange({ seq: 2, id: 'x', resource: 'app:1', doc: 4 }));
      await immediate(makeChange({ seq: 3, id: 'x', collection: 'tasks', doc: 5 }));
      const docs = (await documents()).map((entry) => (entry as unknown[])[1]);
      expect(new Set(docs)).toEqual(new Set([1, 2, 3, 4, 5]));
      expect(docs).toHaveLength(5);
    });

    it('a new incarnation of an agent goes on with its records', async () => {
      const { store } = open();
      await store.takeBatch(makeBatch([makeChange({ seq: 5, id: 'x', doc: 1 })], { base: cursorAt(0) }));
      await store.takeBatch(
        makeBatch([makeChange({ seq: 1, age: 8, id: 'x', doc: 2 })], { incarnation: 'd'.repeat(32) }),
      );
      await expect(documents()).resolves.toEqual([['x', 2]]);
      await expect(store.nodes()).resolves.toMatchObject([{ agents: [{ records: 1, cursor_seq: 1 }] }, {}]);
    });

    it('refused changes become dead letters and the cursor moves on', async () => {
      const { store } = open();
      const batch = makeBatch([makeChange({ seq: 1, doc: {} }), makeRefused(2), makeChange({ seq: 3, doc: {} })]);
      const taken = await store.takeBatch(batch);
      expect(taken).toEqual({
        applied: 2,
        stale: 0,
        rejects: [{ seq: 2, code: 'unsafe-document', reason: 'refused for the test' }],
      });
      await expect(cursor()).resolves.toEqual(cursorAt(3));
      await expect(store.deadLetters(10)).resolves.toMatchObject([{ node: 'htpc', agent: 'recruiter', seq: 2 }]);
    });

    it('a refused change that comes again is one dead letter with the latest reason', async () => {
      const { store } = open();
      await store.takeBatch(makeBatch([makeRefused(1, 'first')]));
      await store.takeImmediate({
        ...fastLane,
        change: makeRefused(1, 'second'),
      });
      await expect(store.deadLetters(10)).resolves.toMatchObject([{ seq: 1, reason: 'second' }]);
    });

    it('a single change leaves the cursor alone, and the batch covers it harmlessly', async () => {
      const { store } = open();
      const change = makeChange({ seq: 2, id: 'x', doc: { v: 1 } });
      await expect(immediate(change)).resolves.toEqual({ applied: 1, stale: 0, rejects: [] });
      await expect(cursor()).resolves.toEqual(cursorAt(0));
      const taken = await store.takeBatch(makeBatch([makeChange({ seq: 1, doc: {} }), change]));
      expect(taken).toEqual({ applied: 1, stale: 1, rejects: [] });
    });

    it('batches of many streams at once are each taken whole', async () => {
      const { store } = open();
      const agents = Array.from({ length: 40 }, (_, index) => `agent-${index}`);
      await Promise.all(
        agents.map((agent) =>
          store.takeBatch(makeBatch([makeChange({ seq: 1, doc: {} }), makeChange({ seq: 2, doc: {} })], { agent })),
        ),
      );
      await expect(store.collections()).resolves.toEqual([
        { name: 'notes', records: 80, declared: undefined, unindexed: [] },
      ]);
    });

    it('a batch that fails among others undoes only itself', async () => {
      const { store } = open();
      const wrong = makeBatch([makeChange({ seq: 7, doc: {} })], { agent: 'wrong' });
      const results = await Promise.allSettled([
        store.takeBatch(makeBatch([makeChange({ seq: 1, doc: {} })])),
        store.takeBatch(wrong),
        store.takeBatch(makeBatch([makeChange({ seq: 1, doc: {} })], { agent: 'scout' })),
      ]);
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      await expect(store.collections()).resolves.toEqual([
        { name: 'notes', records: 2, declared: undefined, unindexed: [] },
      ]);
    });

    it('what was taken is there after a restart', async () => {
      await open().store.takeBatch(makeBatch([makeChange({ seq: 1, doc: { kept: true } }), makeRefused(2)]));
      const { epoch } = open().store;
      await open().reopen();
      expect(open().store.epoch).toBe(epoch);
      await expect(documents()).resolves.toEqual([['r1', { kept: true }]]);
      await expect(cursor()).resolves.toEqual(cursorAt(2));
      await expect(open().store.deadLetters(10)).resolves.toHaveLength(1);
      await open().store.takeBatch(makeBatch([makeChange({ seq: 3, doc: {} })]));
    });
  });
}
