import { join } from 'node:path';

import { BackupKeeper, type BackupSource, databaseBytes, RELAY_OWNER, secretFiles } from '@holdfast/backup';
import type { Now, RelayConfig } from '@holdfast/protocol';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';

import type { RelayStore } from '../storage/relay-store.ts';

/** What keeping a relay's backups needs. */
export interface RelayBackupOptions {
  readonly config: RelayConfig;
  /** The data directory. */
  readonly directory: string;
  readonly store: RelayStore;
  readonly version: string;
  readonly registry: Registry;
  readonly log: Logger;
  readonly now: Now;
}

/** Takes a relay's backups, when asked and on schedule, from now on. */
export function keepRelayBackups(options: RelayBackupOptions): BackupKeeper {
  const { config, directory, store, version, registry, log, now } = options;
  const keeper = new BackupKeeper({
    source: sourceOf(store, directory),
    dataDirectory: directory,
    config,
    version,
    registry,
    log,
    now,
  });
  keeper.begin();
  return keeper;
}

function sourceOf(store: RelayStore, directory: string): BackupSource {
  const path = 'relay.db';
  return {
    service: 'relay',
    owner: RELAY_OWNER,
    files: () => [
      {
        path,
        bytes: databaseBytes(join(directory, path)),
        copyTo: (target, onProgress) => store.copyTo(target, onProgress),
      },
      ...secretFiles(directory),
    ],
  };
}
