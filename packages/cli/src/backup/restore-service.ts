import { type KnownSchemas, type Restored, restoreService } from '@holdfast/backup';
import { nodeMigrations } from '@holdfast/daemon';
import { sqliteRelayMigrations } from '@holdfast/relay';
import { agentMigrations } from '@holdfast/store';

import type { ServiceName } from '../config/locations.ts';
import type { GlobalOptions } from '../global-options.ts';
import { inLockedDirectory, placeOf } from './place.ts';
import type { FileBar } from './progress.ts';

/** Which backup is restored. */
export interface RestoreChoice {
  /** The directory of backups; undefined: where the service puts them. */
  readonly from: string | undefined;
  /** Undefined: the newest verified one. */
  readonly id: string | undefined;
}

/** A service that was restored, and where. */
export interface RestoredService extends Restored {
  readonly directory: string;
}

const schemas: KnownSchemas = {
  node: nodeMigrations.length,
  relay: sqliteRelayMigrations.length,
  agent: agentMigrations.length,
};

/** Puts a service's data directory back to a backup. Throws what `restoreService` throws, and `directory-locked` while it runs. */
export async function restoreFromBackup(
  service: ServiceName,
  options: GlobalOptions,
  { from, id }: RestoreChoice,
  bar: FileBar,
): Promise<RestoredService> {
  const { directory, backups } = await placeOf(service, options);
  const onFile = (done: number, total: number): void => bar.show('restoring', done, total);
  const restored = await inLockedDirectory(directory, () =>
    restoreService({ from: from ?? backups, id, service, directory, schemas, onFile }),
  );
  return { ...restored, directory };
}
