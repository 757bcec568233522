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
 * Brings a database to the newest schema: all missing steps in one transaction, with the number of the last in
 * `user_version`, so that a crash leaves the schema that was there or the newest one.
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
  if (from === migrations.length) return;
  const applyMissing = database.transaction(() => {
    for (const [index, migration] of migrations.entries()) {
      if (index >= from) applyMigration(database, migration, index + 1);
    }
    database.pragma(`user_version = ${migrations.length}`);
  });
  try {
    applyMissing.immediate();
  } catch (error) {
    throw translateSqliteError(error, `the schema of ${database.name} could not be brought up to date`);
  }
}

/** The number of the last migration applied to a database; 0 for a new one. */
export function schemaVersion(database: Database): number {
  return database.pragma('user_version', { simple: true }) as number;
}

function applyMigration(database: Database, { name, sql, fill }: Migration, version: number): void {
  try {
    database.exec(sql);
    fill?.(database);
  } catch (error) {
    throw translateSqliteError(error, `migration ${version} (${name}) of ${database.name} failed`);
  }
}
