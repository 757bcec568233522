/* oxlint-disable max-lines-per-function -- a group of tests is one call */
import { startOfBoot } from '@holdfast/protocol';
import { describe, expect, it } from 'vitest';

import { useStore } from './enrolled.ts';
import type { MakeStore } from './store-under-test.ts';
import { BOOT, cursorAt, INCARNATION, LEASE_MS, makeBatch, makeChange, START_MS } from './material.ts';

const NEXT = '1'.repeat(32);
const THIRD = '2'.repeat(32);

/** Which daemon start may speak for a node (protocol rule 7). */
export function sessionCases(make: MakeStore): void {
  describe('sessions', () => {
    const open = useStore(make);
    const session = (boot: string, predecessors: readonly string[] = [], nowMs = START_MS, node = 'htpc') =>
      open().store.openSession({
        node,
        boot,
        predecessors: [...predecessors],
        nowMs,
        silentBeforeMs: nowMs - LEASE_MS,
      });

    it('a start renews its own session', async () => {
      await expect(session(BOOT)).resolves.toEqual([]);
    });

    it('a successor of the current start takes over at once', async () => {
      await session(NEXT, [BOOT]);
      await expect(session(NEXT)).resolves.toEqual([]);
    });

    it('a later successor takes over when the starts between never had a session', async () => {
      await session(THIRD, [NEXT, BOOT]);
      await expect(session(THIRD)).resolves.toEqual([]);
    });

    it('tell which start speaks for a node, and when it was heard of', async () => {
      const { store } = open();
      await expect(store.speaker('htpc')).resolves.toEqual({ boot: BOOT, lastContactMs: START_MS });
      await session(NEXT, [BOOT], START_MS + 1);
      await expect(store.speaker('htpc')).resolves.toEqual({ boot: NEXT, lastContactMs: START_MS + 1 });
      await expect(store.speaker('laptop')).resolves.toEqual({ boot: null, lastContactMs: null });
      await expect(store.speaker('nobody')).resolves.toBeUndefined();
    });

    it('the starts that sessions told of are known, and what each went on from', async () => {
      const { store } = open();
      const [boot, next, third, fourth] = [BOOT, NEXT, THIRD, '3'.repeat(32)].map(startOfBoot);
      await session(THIRD, [NEXT, BOOT]);
      await session(THIRD, [NEXT, BOOT]);
      await session('3'.repeat(32), [BOOT], START_MS + 2 * LEASE_MS);
      await expect(store.starts('htpc')).resolves.toEqual([
        { start: boot, parent: null },
        { start: next, parent: boot },
        { start: third, parent: next },
        { start: fourth, parent: boot },
      ]);
      await expect(store.starts('nobody')).resolves.toEqual([]);
    });

    it('a start that took over with a batch is known by its next session', async () => {
      const { store } = open();
      const nowMs = START_MS + 2 * LEASE_MS;
      await store.takeBatch(makeBatch([makeChange({ seq: 1, doc: {} })], { boot: NEXT, nowMs }));
      await session(NEXT, [BOOT], nowMs);
      await expect(store.starts('htpc')).resolves.toContainEqual({
        start: startOfBoot(NEXT),
        parent: startOfBoot(BOOT),
      });
    });

    it('a start that may not speak is not noted', async () => {
      await expect(session(NEXT, [THIRD])).rejects.toMatchObject({ code: 'node-cloned' });
      await expect(open().store.starts('htpc')).resolves.toEqual([{ start: startOfBoot(BOOT), parent: null }]);
    });

    it('a stranger is refused while the current start is alive', async () => {
      await expect(session(NEXT)).rejects.toMatchObject({ code: 'node-cloned' });
      await expect(session(NEXT, [THIRD])).rejects.toMatchObject({ code: 'node-cloned' });
      await expect(session(BOOT)).resolves.toEqual([]);
    });

    it('a stranger takes over once the current start was silent for longer than its lease', async () => {
      await expect(session(NEXT, [], START_MS + LEASE_MS)).rejects.toMatchObject({ code: 'node-cloned' });
      await expect(session(NEXT, [], START_MS + LEASE_MS + 1)).resolves.toEqual([]);
    });

    it('batches and single changes keep the lease alive', async () => {
      const { store } = open();
      await store.takeBatch(makeBatch([makeChange({ seq: 1, doc: {} })], { nowMs: START_MS + LEASE_MS }));
      await expect(session(NEXT, [], START_MS + 2 * LEASE_MS)).rejects.toMatchObject({ code: 'node-cloned' });
    });

    it('a superseded start never comes back, however silent its successor is', async () => {
      await session(NEXT, [BOOT]);
      const much = START_MS + 1000 * LEASE_MS;
      await expect(session(BOOT, [], much)).rejects.toMatchObject({ code: 'node-cloned' });
      await expect(session(BOOT, [NEXT], much)).rejects.toMatchObject({ code: 'node-cloned' });
      const late = makeBatch([makeChange({ seq: 1, doc: {} })], { nowMs: much });
      await expect(open().store.takeBatch(late)).rejects.toMatchObject({ code: 'node-cloned' });
    });

    it('a superseded start is remembered over a restart', async () => {
      await session(NEXT, [BOOT]);
      await open().reopen();
      await expect(session(BOOT, [NEXT])).rejects.toMatchObject({ code: 'node-cloned' });
    });

    it('changes of a start that is not the current one are refused and leave nothing behind', async () => {
      const { store } = open();
      const changes = [makeChange({ seq: 1, doc: {} })];
      await expect(store.takeBatch(makeBatch(changes, { boot: NEXT }))).rejects.toMatchObject({ code: 'node-cloned' });
      await expect(store.collections()).resolves.toEqual([]);
      await expect(session(BOOT)).resolves.toEqual([]);
    });

    it('changes of a start the store has never seen open its session when no other is alive', async () => {
      const { store } = open();
      const nowMs = START_MS + LEASE_MS + 1;
      await store.takeBatch(makeBatch([makeChange({ seq: 1, doc: {} })], { boot: NEXT, nowMs }));
      await expect(session(BOOT, [], nowMs)).rejects.toMatchObject({ code: 'node-cloned' });
    });

    it('a contact noted under a clock of the future does not keep a dead start alive', async () => {
      await session(BOOT, [], START_MS * 2);
      await expect(session(NEXT)).rejects.toMatchObject({ code: 'node-cloned' });
      await expect(session(NEXT, [], START_MS + LEASE_MS + 1)).resolves.toEqual([]);
    });

    it('a session tells where each of the streams stands', async () => {
      const { store } = open();
      const second = 'd'.repeat(32);
      await store.takeBatch(makeBatch([makeChange({ seq: 1, doc: {} }), makeChange({ seq: 3, doc: {} })]));
      await store.takeBatch(makeBatch([makeChange({ seq: 1, age: 9, doc: {} })], { incarnation: second }));
      await expect(session(BOOT)).resolves.toMatchObject([
        { agent: 'recruiter', incarnation: INCARNATION, cursor: cursorAt(3) },
        { agent: 'recruiter', incarnation: second, cursor: cursorAt(1, 9) },
      ]);
    });

    it('nodes do not touch each other, and an unknown one has no session', async () => {
      await expect(session(BOOT, [], START_MS, 'laptop')).resolves.toEqual([]);
      await expect(session(BOOT, [], START_MS, 'nobody')).rejects.toMatchObject({ code: 'node-not-found' });
    });
  });
}
