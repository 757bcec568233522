/* oxlint-disable max-lines-per-function -- a group of tests is one call */
import { SHARED_AGENT } from '@holdfast/protocol';
import { describe, expect, it } from 'vitest';

import type { FeedPart, FeedScope } from '../src/index.ts';
import { useStore } from './enrolled.ts';
import { BOOT, cursorAt, makeBatch, makeChange, START_MS } from './material.ts';
import type { MakeStore } from './store-under-test.ts';

const shared = { agent: SHARED_AGENT };

const letter = (seq: number, id: string, to: unknown, more: object = {}): ReturnType<typeof makeChange> =>
  makeChange({ seq, id, collection: 'letters', doc: { to, body: 1 }, ...more });
const task = (seq: number, id: string, workers: unknown, status = 'pending'): ReturnType<typeof makeChange> =>
  makeChange({ seq, id, collection: 'tasks', doc: { type: 't', workers, status } });

/** The feed (protocol rules 13 and 15), and records that all nodes share (rule 3). */
export function feedCases(make: MakeStore): void {
  describe('the feed', () => {
    const open = useStore(make);
    const part = (after: number, scope: Partial<FeedScope> = {}): Promise<FeedPart> =>
      open().store.feed.part({ limit: 1000, ...scope }, after);
    const ids = async (after: number, scope: Partial<FeedScope> = {}): Promise<string[]> =>
      (await part(after, scope)).rows.map(({ id }) => id);

    it('has each record once, as it is now, in the order in which it was taken', async () => {
      const { store } = open();
      const changes = [1, 2, 3].map((seq) => makeChange({ seq, doc: { n: seq } }));
      await store.takeBatch(makeBatch(changes));
      const { position } = await part(0);
      await store.takeBatch(
        makeBatch([makeChange({ seq: 4, id: 'r1', doc: { n: 4 } }), makeChange({ seq: 5, id: 'r2' })]),
      );
      expect(await ids(0)).toEqual(['r3', 'r1', 'r2']);
      const { rows } = await part(position);
      expect(rows).toMatchObject([
        { id: 'r1', doc: '{"n":4}', node: 'htpc', agent: 'recruiter' },
        { id: 'r2', deleted: true, doc: null },
      ]);
    });

    it('is read in parts, which leave nothing out and nothing twice', async () => {
      const { store } = open();
      const changes = Array.from({ length: 25 }, (_, index) => makeChange({ seq: index + 1, doc: {} }));
      await store.takeBatch(makeBatch(changes));
      const read: string[] = [];
      for (let next = await part(0, { limit: 10 }); ; next = await part(next.position, { limit: 10 })) {
        read.push(...next.rows.map(({ id }) => id));
        if (!next.more) break;
      }
      expect(read).toEqual(changes.map(({ row }) => row.id));
    });

    it('is narrowed to nodes, agents, collections and resources, and to what a node may read', async () => {
      const { store } = open();
      await store.takeBatch(makeBatch([makeChange({ seq: 1, id: 'a', doc: {} })]));
      await store.takeBatch(
        makeBatch([makeChange({ seq: 1, id: 'b', collection: 'tasks', doc: {} })], { agent: 'scout' }),
      );
      await store.takeBatch(
        makeBatch([makeChange({ seq: 1, id: 'c', resource: 'app:1', doc: {} })], { node: 'laptop' }),
      );
      await store.takeBatch(makeBatch([makeChange({ seq: 1, id: 'd', doc: {} })], { ...shared, node: 'laptop' }));
      expect(await ids(0, { nodes: ['laptop'] })).toEqual(['c', 'd']);
      expect(await ids(0, { agents: ['scout'] })).toEqual(['b']);
      expect(await ids(0, { collections: ['tasks'] })).toEqual(['b']);
      expect(await ids(0, { resources: ['app:1'] })).toEqual(['c']);
      expect(await ids(0, { reader: { node: 'htpc', sharedAgents: [], sharedCollections: [] } })).toEqual([
        'a',
        'b',
        'd',
      ]);
    });

    it('has for a node what all agents wrote of shared collections, and what they declare of those', async () => {
      const { store } = open();
      await store.takeBatch(makeBatch([makeChange({ seq: 1, id: 'a', doc: {} })]));
      const changes = [
        makeChange({ seq: 1, id: 'b', collection: 'leads', doc: {} }),
        makeChange({ seq: 2, id: 'c', collection: 'leads', resource: 'app:1', doc: {} }),
        makeChange({ seq: 3, id: 'd', collection: 'visits', doc: {} }),
        makeChange({ seq: 4, id: 'leads', collection: 'collections', doc: { kind: 'log' } }),
        makeChange({ seq: 5, id: 'visits', collection: 'collections', doc: { kind: 'log' } }),
      ];
      await store.takeBatch(makeBatch(changes, { node: 'laptop' }));
      const reader = { node: 'htpc', sharedAgents: [], sharedCollections: ['leads'] };
      expect(await ids(0, { reader })).toEqual(['a', 'b', 'c', 'leads']);
      const scope = { reader, collections: ['leads'], resources: ['app:1'] };
      expect(await ids(0, scope)).toEqual(['c']);
      expect(await ids(0, { ...scope, declarations: true })).toEqual(['c', 'leads']);
      const all = { reader: { ...reader, sharedCollections: ['*'] }, collections: ['visits'], declarations: true };
      expect(await ids(0, all)).toEqual(['d', 'visits']);
    });

    it('has another mark of what a node may read once that is more or less', async () => {
      const { store } = open();
      const reader = { node: 'htpc', sharedAgents: ['scout'], sharedCollections: ['leads'] };
      const mark = await store.feed.rights(reader);
      await store.takeBatch(makeBatch([makeChange({ seq: 1, doc: {} })]));
      expect(await store.feed.rights(reader)).toBe(mark);
      expect(await store.feed.rights({ ...reader, sharedCollections: [] })).not.toBe(mark);
      expect(await store.feed.rights({ ...reader, node: 'laptop' })).not.toBe(mark);
      await store.takeBatch(makeBatch([makeChange({ seq: 1, doc: {} })], { agent: 'scout' }));
      expect(await store.feed.rights(reader)).not.toBe(mark);
    });

    it('is read from the beginning to its end, whatever was removed before', async () => {
      const { store } = open();
      const changes = [1, 2, 3].map((seq) => makeChange({ seq, doc: {} }));
      await store.takeBatch(makeBatch([...changes, makeChange({ seq: 4, id: 'x', doc: {}, expiresAtMs: START_MS })]));
      await store.sweepExpired(START_MS + 1, 10);
      const { position: begun } = store;
      const first = await part(0, { limit: 2 });
      const second = await store.feed.part({ limit: 2 }, first.position, begun);
      expect([...first.rows, ...second.rows].map(({ id }) => id)).toEqual(['r1', 'r2', 'r3']);
      expect((await store.feed.part({ limit: 2 }, second.position, begun)).rows).toEqual([]);
      await store.takeBatch(
        makeBatch([makeChange({ seq: 5, id: 'y', doc: {}, expiresAtMs: START_MS })], { base: cursorAt(4) }),
      );
      await store.sweepExpired(START_MS + 1, 10);
      await expect(store.feed.part({ limit: 2 }, second.position, begun)).rejects.toMatchObject({
        code: 'feed-refetch',
      });
    });

    it('does not go on from before a record of these collections that was removed', async () => {
      const { store } = open();
      await store.takeBatch(makeBatch([makeChange({ seq: 1, doc: {} })]));
      const { position } = await part(0);
      const expiring = makeChange({ seq: 2, id: 'x', doc: {}, expiresAtMs: START_MS });
      await store.takeBatch(makeBatch([expiring]));
      const seen = await part(position);
      expect(await store.sweepExpired(START_MS + 1, 10)).toBe(1);
      await expect(part(position)).rejects.toMatchObject({ code: 'feed-refetch' });
      await expect(part(position, { collections: ['notes'] })).rejects.toMatchObject({ code: 'feed-refetch' });
      expect(await ids(position, { collections: ['tasks'] })).toEqual([]);
      expect(await ids(position, { agents: [SHARED_AGENT] })).toEqual([]);
      expect(await ids(position, { reader: { node: 'laptop', sharedAgents: [], sharedCollections: [] } })).toEqual([]);
      expect(await ids(seen.position)).toEqual([]);
      expect(await ids(0)).toEqual(['r1']);
    });

    it('has for a node what agents of others addressed to its own, and nothing else', async () => {
      const { store } = open();
      await store.takeBatch(
        makeBatch([
          letter(1, 'to laptop', 'ada@laptop'),
          letter(2, 'of a resource', 'ada@laptop', { resource: 'app:1' }),
          letter(3, 'to another', 'ada@my-laptop'),
          letter(4, 'to a name that is like it', 'ada@laptop2'),
          letter(5, 'to nobody', 'laptop'),
          letter(6, 'no text', { node: 'ada@laptop' }),
          letter(7, 'taken back', 'ada@laptop', { doc: undefined }),
          task(8, 'for one', ['x', 'ada@laptop']),
          task(9, 'for all of it', ['*@laptop'], 'waiting'),
          task(10, 'for all', ['*@*']),
          task(11, 'for those here', ['*', 'ada']),
          task(12, 'taken', ['ada@laptop'], 'assigned'),
          task(13, 'for nobody', undefined),
          makeChange({ seq: 14, id: 'a note', doc: { to: 'ada@laptop', workers: ['*@*'], status: 'pending' } }),
          makeChange({ seq: 15, id: 'any value', collection: 'letters', doc: ['ada@laptop'] }),
        ]),
      );
      await store.takeBatch(makeBatch([letter(1, 'its own', 'ada@laptop')], { node: 'laptop' }));
      await store.takeBatch(makeBatch([letter(1, 'shared', 'ada@laptop')], shared));
      const addressed = ['to laptop', 'of a resource', 'for one', 'for all of it', 'for all'];
      expect(await ids(0, { addressedTo: 'laptop' })).toEqual(addressed);
      expect(await ids(0, { addressedTo: 'cellar' })).toEqual(['for all']);
      expect(await ids(0, { addressedTo: 'laptop', resources: ['app:1'] })).toEqual(['of a resource']);
      expect((await part(0, { addressedTo: 'laptop' })).rows[0]).toMatchObject({ node: 'htpc', agent: 'recruiter' });
    });

    it('of what is addressed to a node goes on, whatever was removed meanwhile', async () => {
      const { store } = open();
      await store.takeBatch(makeBatch([makeChange({ seq: 1, doc: {} })]));
      const { position } = await part(0, { addressedTo: 'laptop' });
      const doc = { to: 'ada@laptop' };
      const expiring = makeChange({ seq: 2, id: 'x', collection: 'letters', doc, expiresAtMs: START_MS });
      await store.takeBatch(makeBatch([expiring], { base: cursorAt(1) }));
      expect(await ids(position, { addressedTo: 'laptop' })).toEqual(['x']);
      expect(await store.sweepExpired(START_MS + 1, 10)).toBe(1);
      expect(await ids(position, { addressedTo: 'laptop' })).toEqual([]);
    });

    it('tells when it moved, once that is committed, until it is asked no more', async () => {
      const { store } = open();
      const seen: number[] = [];
      const end = store.feed.onMoved(() => seen.push(store.position));
      await store.takeBatch(makeBatch([makeChange({ seq: 1, doc: {} })]));
      await store.openSession({
        node: 'htpc',
        boot: BOOT,
        nowMs: START_MS,
        silentBeforeMs: 0,
        predecessors: [],
      });
      expect(seen).toEqual([store.position]);
      end();
      await store.takeBatch(makeBatch([makeChange({ seq: 2, doc: {} })]));
      expect(seen).toHaveLength(1);
    });

    it('of what all nodes share the highest version of a key is there once, whichever node wrote it', async () => {
      const { store } = open();
      const first = makeBatch([makeChange({ seq: 1, age: 20, id: 'k', doc: 'of htpc' })], shared);
      await store.takeBatch(first);
      const older = makeBatch([makeChange({ seq: 1, age: 10, id: 'k', doc: 'too old' })], {
        ...shared,
        node: 'laptop',
      });
      expect(await store.takeBatch(older)).toMatchObject({ applied: 0, stale: 1, rejects: [] });
      const newer = makeBatch([makeChange({ seq: 2, age: 30, id: 'k', doc: 'of laptop' })], {
        ...shared,
        node: 'laptop',
        base: cursorAt(1, 10),
      });
      expect(await store.takeBatch(newer)).toMatchObject({ applied: 1 });
      const { rows } = await part(0, { agents: [SHARED_AGENT] });
      expect(rows).toMatchObject([{ id: 'k', doc: '"of laptop"', node: 'laptop', agent: SHARED_AGENT }]);
      const answer = await store.query({ collection: 'notes' }, { nowMs: START_MS });
      expect(answer).toMatchObject({ records: [{ id: 'k', doc: 'of laptop' }] });
      expect(await store.recountDigests()).toBe(0);
      expect((await store.nodes()).map(({ node }) => node)).toEqual(['htpc', 'laptop']);
    });
  });
}
