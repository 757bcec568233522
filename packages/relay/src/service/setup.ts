import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { type CommitConfig, HoldfastError } from '@holdfast/protocol';
import { ensurePrivateDirectory, refuseDamaged, refuseEmpty } from '@holdfast/sqlite';

import type { RelayStore } from '../storage/relay-store.ts';
import { createSqliteRelay } from '../storage/sqlite/create.ts';
import { SqliteRelayStore } from '../storage/sqlite/sqlite-relay-store.ts';
import type { Surroundings } from '../storage/sqlite/surroundings.ts';
import { issueToken } from './access.ts';

/**
 * Prepares a directory for a relay: makes it private (0700), the database in it, and a token of role `admin`, whose text
 * goes to `admin.token` (0600).
 *
 * Throws `already-initialised` when there is a relay in the directory, and what `ensurePrivateDirectory` throws.
 */
export function initRelay(directory: string): { readonly adminTokenFile: string } {
  ensurePrivateDirectory(directory);
  const databaseFile = databaseFileIn(directory);
  if (existsSync(databaseFile)) throw new HoldfastError('already-initialised', `there is a relay in ${directory}`);
  const { token, entry } = issueToken({ role: 'admin', name: 'admin', createdAtMs: Date.now(), expiresAtMs: null });
  const adminTokenFile = join(directory, 'admin.token');
  writeFileSync(`${adminTokenFile}.new`, `${token}\n`, { mode: 0o600 });
  createSqliteRelay(databaseFile, entry);
  renameSync(`${adminTokenFile}.new`, adminTokenFile);
  return { adminTokenFile };
}

/**
 * Opens the relay in a directory that `initRelay` prepared. Throws `bad-configuration` when there is none, `file-damaged`
 * when there was one, or its database cannot be read.
 */
export function openRelayStore(directory: string, config: CommitConfig, surroundings: Surroundings): RelayStore {
  const databaseFile = databaseFileIn(directory);
  if (!existsSync(databaseFile)) {
    throw new HoldfastError(
      'bad-configuration',
      `there is no relay in ${directory}: run \`holdfast init relay\` first`,
    );
  }
  refuseEmpty(databaseFile);
  return refuseDamaged(databaseFile, () => new SqliteRelayStore(databaseFile, config, surroundings));
}

/** Where a relay's database stands. */
export function databaseFileIn(directory: string): string {
  return join(directory, 'relay.db');
}
