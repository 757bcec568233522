import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { nodeMigrations } from '@holdfast/daemon';
import { sqliteRelayMigrations } from '@holdfast/relay';
import type { Migration } from '@holdfast/sqlite';
import { agentMigrations } from '@holdfast/store';

import type { ServiceName } from '../config/locations.ts';

/** The kinds of database, each with schemas of its own. */
export const databaseKinds = ['node', 'agents', 'relay'] as const;

/** A kind of database. */
export type DatabaseKind = (typeof databaseKinds)[number];

/** A database of a data directory. */
export interface DatabaseFile {
  readonly kind: DatabaseKind;
  /** Its place in the data directory: `agents/ada.db`. */
  readonly file: string;
  readonly path: string;
  readonly migrations: readonly Migration[];
}

const migrationsOf: Readonly<Record<DatabaseKind, readonly Migration[]>> = {
  node: nodeMigrations,
  agents: agentMigrations,
  relay: sqliteRelayMigrations,
};

/** The databases in a data directory, the service's own first. */
export function databasesIn(service: ServiceName, directory: string): DatabaseFile[] {
  const agents = join(directory, 'agents');
  const names = service === 'node' && existsSync(agents) ? readdirSync(agents).toSorted() : [];
  const files = names.filter((name) => name.endsWith('.db')).map((name) => databaseAt('agents', `agents/${name}`));
  return [databaseAt(service, `${service}.db`), ...files];

  function databaseAt(kind: DatabaseKind, file: string): DatabaseFile {
    return { kind, file, path: join(directory, file), migrations: migrationsOf[kind] };
  }
}
