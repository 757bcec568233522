import { afterEach, beforeEach } from 'vitest';

import type { RelayStore } from '../src/index.ts';
import type { MakeStore, StoreUnderTest } from './store-under-test.ts';
import { BOOT, LEASE_MS, makeTokenEntry, START_MS } from './material.ts';

/** Enrols a node in a store. `number` keeps its tokens apart from those of others. */
export async function enrol(store: RelayStore, node: string, number: number): Promise<void> {
  const invitation = makeTokenEntry(number, { role: 'join', name: node, expiresAtMs: START_MS + 1000 });
  await store.addToken(invitation);
  await store.join(invitation.id, makeTokenEntry(number + 1, { role: 'node', name: node }));
}

/** For each test a new store with the nodes `htpc`, whose session is open, and `laptop`. */
export function useStore(make: MakeStore): () => StoreUnderTest {
  let current: StoreUnderTest | undefined;
  beforeEach(async () => {
    current = await make();
    await enrol(current.store, 'htpc', 0x10);
    await enrol(current.store, 'laptop', 0x20);
    const speaker = { node: 'htpc', boot: BOOT, nowMs: START_MS, silentBeforeMs: START_MS - LEASE_MS };
    await current.store.openSession({ ...speaker, predecessors: [] });
  });
  afterEach(async () => {
    await current?.remove();
    current = undefined;
  });
  return () => {
    if (current === undefined) throw new Error('there is no store outside a test');
    return current;
  };
}
