import { HoldfastError } from '@holdfast/protocol';

import { translateSqliteError } from './errors.ts';
import { knownSchemaVersion, type Migration, type WayBack } from './migrate.ts';
import type { Database } from './open.ts';

/**
 * Takes a database one schema back, in one transaction: a crash leaves the one or the other, whole. The code of that schema can
 * read what it finds then. The file should be copied before: what only the newer schema knew of is gone.
 *
 * Throws `migration-refused` when there is no way back or something in the file stands in it, and `schema-newer`; nothing is
 * written then.
 */
export function migrateDown(database: Database, migrations: readonly Migration[]): void {
  const from = knownSchemaVersion(database, migrations);
  const takeBack = database.transaction(() => {
    database.exec(wayBack(database, migrations, from).sql);
    database.pragma(`user_version = ${from - 1}`);
  });
  try {
    takeBack.immediate();
  } catch (error) {
    throw translateSqliteError(error, `the schema of ${database.name} could not be taken back`);
  }
}

/** Why a database cannot be taken one schema back; undefined if it can. Writes nothing. Throws `schema-newer`. */
export function reasonAgainstDown(database: Database, migrations: readonly Migration[]): string | undefined {
  const version = knownSchemaVersion(database, migrations);
  const migration = migrations[version - 1];
  const down = migration?.down;
  if (migration === undefined || down === undefined) return `schema ${version} has no way back`;
  if ('refused' in down) return down.refused;
  return down.unless?.find(({ finds }) => database.prepare(finds).get() !== undefined)?.reason;
}

function wayBack(database: Database, migrations: readonly Migration[], from: number): WayBack {
  const reason = reasonAgainstDown(database, migrations);
  const down = migrations[from - 1]?.down;
  if (reason === undefined && down !== undefined && 'sql' in down) return down;
  throw new HoldfastError('migration-refused', `${database.name} stays at schema ${from}: ${reason ?? 'no way back'}`);
}
