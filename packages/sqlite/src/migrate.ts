import { HoldfastError } from '@holdfast/protocol';

import { translateSqliteError } from './errors.ts';
import type { Database } from './open.ts';

/** One step of a schema. Steps are numbered from 1 by their place in the list and never change once released. */
export interface Migration {
  readonly name: string;
  readonly sql: string;
  /** Fills what `sql` made, where SQL alone cannot compute it; in the same transaction, after `sql`. */
  readonly fill?: (database: Database) => void;
}

/**
 * Brings a database to the newest schema: each missing step in a transaction of its own, together with its number in
 * `user_version`, so that a crash leaves a whole step or none.
 *
 * Throws `schema-newer`, having written nothing, when the file has steps this code does not know.
 */
export function migrate(database: Database, migrations: readonly Migration[]): void {
  const from = schemaVersion(database);
  if (from > migrations.length) {
    throw new HoldfastError(
      'schema-newer',
      `${database.name} has schema ${from}; this version knows up to ${migrations.length}`,
    );
  }
  for (const [index, migration] of migrations.entries()) {
    if (index < from) continue;
    applyMigration(database, migration, index + 1);
  }
}

/** The number of the last migration applied to a database; 0 for a new one. */
export function schemaVersion(database: Database): number {
  return database.pragma('user_version', { simple: true }) as number;
}

function applyMigration(database: Database, migration: Migration, version: number): void {
  const apply = database.transaction(() => {
    database.exec(migration.sql);
    migration.fill?.(database);
    database.pragma(`user_version = ${version}`);
  });
  try {
    apply.immediate();
  } catch (error) {
    throw translateSqliteError(error, `migration ${version} (${migration.name}) of ${database.name} failed`);
  }
}
