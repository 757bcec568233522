import { HoldfastError } from '@holdfast/protocol';

import { translateSqliteError } from './errors.ts';
import type { Database } from './open.ts';

/** How a step is taken back. */
export interface WayBack {
  /** Makes of the newer schema the one before, and loses nothing that one knows of. */
  readonly sql: string;
  /** Where the version before could not do with what is there: SQL that finds a row then, and why, for people. */
  readonly unless?: readonly { readonly finds: string; readonly reason: string }[];
}

/** One step of a schema. Steps are numbered from 1 by their place in the list and never change once released. */
export interface Migration {
  readonly name: string;
  readonly sql: string;
  /** Fills what `sql` made, where SQL alone cannot compute it; in the same transaction, after `sql`. */
  readonly fill?: (database: Database) => void;
  /** The step back, or why there is none; a step without either has none. */
  readonly down?: WayBack | { readonly refused: string };
}

/**
 * Brings a database to the newest schema: all missing steps in one transaction, with the number of the last in
 * `user_version`, so that a crash leaves the schema that was there or the newest one.
 *
 * Throws `schema-newer`, having written nothing, when the file has steps this code does not know.
 */
export function migrate(database: Database, migrations: readonly Migration[]): void {
  const from = knownSchemaVersion(database, migrations);
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

/** The schema a database has, if these migrations know it. Throws `schema-newer`. */
export function knownSchemaVersion(database: Database, migrations: readonly Migration[]): number {
  const version = schemaVersion(database);
  if (version <= migrations.length) return version;
  throw new HoldfastError(
    'schema-newer',
    `${database.name} has schema ${version}; this version knows up to ${migrations.length}`,
  );
}

function applyMigration(database: Database, { name, sql, fill }: Migration, version: number): void {
  try {
    database.exec(sql);
    fill?.(database);
  } catch (error) {
    throw translateSqliteError(error, `migration ${version} (${name}) of ${database.name} failed`);
  }
}
