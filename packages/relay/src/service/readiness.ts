import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { RelayStore } from '../storage/relay-store.ts';

/** What must hold for the relay to be ready, by name: each passes by resolving. */
export function readinessChecks(store: RelayStore, directory: string): Readonly<Record<string, () => Promise<void>>> {
  return {
    database: () => store.check(),
    directory: async () => {
      const probe = join(directory, '.ready');
      await writeFile(probe, 'ready\n', { mode: 0o600 });
      await rm(probe, { force: true });
    },
  };
}
