import type { DiskWatch } from '@holdfast/sqlite';

import type { RelayStore } from '../storage/relay-store.ts';

/** What must hold for the relay to be ready, by name: each passes by resolving. */
export function readinessChecks(
  store: RelayStore,
  disk: DiskWatch,
): Readonly<Record<string, () => void | Promise<void>>> {
  return {
    database: () => store.check(),
    disk: () => disk.check(),
  };
}
