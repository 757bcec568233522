import { describe, expect, it } from 'vitest';

import { useStore } from './enrolled.ts';
import { makeBatch, makeChange, START_MS } from './material.ts';
import type { MakeStore } from './store-under-test.ts';

/** Copying the whole store while it is used, and giving it another epoch. */
export function copyingCases(make: MakeStore): void {
  describe('copying', () => {
    const open = useStore(make);

    it('a copy made while batches are taken has all that was acknowledged before, and stands by itself', async () => {
      const { store } = open();
      const text = 'x'.repeat(10_000);
      const take = (from: number, count: number) =>
        store.takeBatch(
          makeBatch(Array.from({ length: count }, (_, at) => makeChange({ seq: from + at, doc: { text, at } }))),
        );
      await take(1, 400);
      const writes: Promise<unknown>[] = [];
      const copy = await open().copied(() => {
        if (writes.length < 3) writes.push(take(401 + writes.length, 1));
      });
      expect(writes).toHaveLength(3);
      await Promise.all(writes);
      const pages = await copy.copyPage('htpc', 'recruiter', {});
      expect(pages.rows.length).toBeGreaterThanOrEqual(400);
      expect(copy.epoch).toBe(store.epoch);
      await expect(copy.nodes()).resolves.toMatchObject([{ node: 'htpc' }, { node: 'laptop' }]);
      const { digest } = await copy.buckets('htpc', 'recruiter');
      const opening = { node: 'htpc', boot: 'b'.repeat(32), predecessors: [], nowMs: START_MS, silentBeforeMs: 0 };
      await expect(copy.openSession(opening)).resolves.toMatchObject([{ digest }]);
    });

    it('a copy that is broken off throws what broke it off, and the store goes on', async () => {
      const { store } = open();
      await store.takeBatch(makeBatch([makeChange({ seq: 1, doc: 'x'.repeat(900_000) })]));
      const stop = new Error('broken off');
      await expect(
        open().copied(() => {
          throw stop;
        }),
      ).rejects.toBe(stop);
      await store.takeBatch(makeBatch([makeChange({ seq: 2, doc: 2 })]));
      const copy = await open().copied();
      await expect(copy.copyPage('htpc', 'recruiter', {})).resolves.toMatchObject({ rows: [{ seq: 1 }, { seq: 2 }] });
    });

    it('the position counts what was applied, and neither it nor the epoch is lost in a restart', async () => {
      const { position } = open().store;
      await open().store.takeBatch(makeBatch([makeChange({ seq: 1, doc: 1 }), makeChange({ seq: 2, doc: 2 })]));
      expect(open().store.position).toBe(position + 2);
      const before = open().store.epoch;
      await open().store.renewEpoch();
      const { epoch } = open().store;
      expect(epoch).toMatch(/^[0-9a-f]{32}$/);
      expect(epoch).not.toBe(before);
      await open().reopen();
      expect([open().store.epoch, open().store.position]).toEqual([epoch, position + 2]);
    });
  });
}
