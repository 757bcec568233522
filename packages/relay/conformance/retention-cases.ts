/* oxlint-disable max-lines-per-function -- a group of tests is one call */
import { describe, expect, it } from 'vitest';

import type { IncomingChange, Retained } from '../src/index.ts';
import { useStore } from './enrolled.ts';
import { BOOT, cursorAt, INCARNATION, LEASE_MS, makeBatch, makeChange, START_MS } from './material.ts';
import type { MakeStore } from './store-under-test.ts';

const DAY_MS = 86_400_000;
const declaration = (retention: object) =>
  makeChange({ seq: 1, collection: 'collections', id: 'notes', doc: { retention } });

/** Removing by policy, and statistics (protocol rule 17). */
export function retentionCases(make: MakeStore): void {
  describe('retention', () => {
    const open = useStore(make);
    const speaker = { node: 'htpc', boot: BOOT, nowMs: START_MS, silentBeforeMs: START_MS - LEASE_MS };
    const retain = (how: { isDryRun?: boolean; nowMs?: number } = {}): Promise<Retained> =>
      open().store.retain({ nowMs: START_MS, isDryRun: false, isStopped: () => false, ...how });
    const digest = async (): Promise<string | undefined> =>
      (await open().store.openSession({ ...speaker, predecessors: [] }))[0]?.digest;
    const ids = async (): Promise<string[]> => {
      const { rows } = await open().store.copyPage('htpc', 'recruiter', {});
      return rows.filter(({ collection }) => collection === 'notes').map(({ id }) => id);
    };
    const fill = async (retention: object, count = 4): Promise<void> => {
      const notes = Array.from({ length: count }, (_, n) => makeChange({ seq: n + 2, doc: { n } }));
      await open().store.takeBatch(makeBatch([declaration(retention), ...notes]));
    };
    const sendAgain = (change: IncomingChange, base: number) =>
      open().store.takeBatch(makeBatch([change], { base: cursorAt(base) }));

    it('removes what is over number or age and keeps the digest, in buckets and after a restart too', async () => {
      await fill({ relay: { records: 2 } });
      const before = await digest();
      const [owner] = (await retain()).agents;
      expect(owner).toMatchObject({ node: 'htpc', agent: 'recruiter', collections: [{ name: 'notes', records: 2 }] });
      await expect(ids()).resolves.toEqual(['r4', 'r5']);
      await expect(digest()).resolves.toBe(before);
      await expect(open().store.buckets('htpc', 'recruiter')).resolves.toMatchObject({ digest: before });
      await open().reopen();
      await expect(open().store.recountDigests()).resolves.toBe(0);
      await expect(digest()).resolves.toBe(before);
      await expect(open().store.collections()).resolves.toContainEqual(
        expect.objectContaining({ name: 'notes', records: 2 }),
      );
    });

    it('removes nothing in a dry run, nor what is young, nor where only nodes are to remove', async () => {
      await fill({ node: { records: 1 }, relay: { days: 30, records: 3 } });
      const nowMs = 1000 + 29 * DAY_MS;
      const dry = await retain({ isDryRun: true, nowMs });
      expect(dry.agents[0]?.collections).toEqual([{ name: 'notes', records: 1, bytes: 7, keptBack: 0 }]);
      await expect(ids()).resolves.toHaveLength(4);
      await expect(retain({ nowMs })).resolves.toMatchObject(dry);
      await expect(ids()).resolves.toHaveLength(3);
      await retain({ nowMs: 2000 + 30 * DAY_MS });
      await expect(ids()).resolves.toEqual([]);
    });

    it('takes again what its node sends again, and a later version, and both are counted once', async () => {
      await fill({ relay: { records: 1 } });
      const before = await digest();
      await retain();
      await expect(ids()).resolves.toEqual(['r5']);
      await sendAgain(makeChange({ seq: 6, age: 2, id: 'r2', doc: { n: 0 } }), 5);
      await expect(ids()).resolves.toEqual(['r5', 'r2']);
      await expect(digest()).resolves.toBe(before);
      const later = makeChange({ seq: 7, id: 'r3', doc: { later: true } });
      const taken = await open().store.takeBatch(makeBatch([later], { base: cursorAt(6, 2) }));
      expect(taken).toMatchObject({ applied: 1, stale: 0 });
      const { digest: counted } = await open().store.buckets('htpc', 'recruiter');
      await expect(digest()).resolves.toBe(counted);
      expect(counted).not.toBe(before);
      await expect(open().store.recountDigests()).resolves.toBe(0);
    });

    it('is not undone by what comes late by the fast lane', async () => {
      await fill({ relay: { records: 1 } });
      await retain();
      const late = makeChange({ seq: 2, doc: { n: 0 } });
      const place = { ...speaker, agent: 'recruiter', incarnation: INCARNATION, change: late };
      await expect(open().store.takeImmediate(place)).resolves.toMatchObject({ applied: 0, stale: 1 });
      await expect(ids()).resolves.toEqual(['r5']);
    });

    it('tells how much each collection holds', async () => {
      await fill({ relay: { records: 1 } }, 2);
      const collections = [
        expect.objectContaining({ name: 'collections', records: 1 }),
        {
          name: 'notes',
          records: 2,
          bytes: 14,
          tombstones: 0,
          oldestMs: 1002,
          newestMs: 1003,
          recordsPerDay: 0,
          bytesPerDay: 0,
        },
      ];
      await expect(open().store.statistics(START_MS)).resolves.toEqual([
        { node: 'htpc', agent: 'recruiter', collections },
      ]);
    });
  });
}
