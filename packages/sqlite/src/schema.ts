import BetterSqlite3 from 'better-sqlite3';

import { migrate, type Migration, schemaVersion } from './migrate.ts';
import type { Database } from './open.ts';

/** The schema that a list of migrations makes, as text fit for a committed file: one object a paragraph, by name. */
export function dumpSchema(migrations: readonly Migration[]): string {
  const database = new BetterSqlite3(':memory:');
  try {
    migrate(database, migrations);
    return schemaOf(database);
  } finally {
    database.close();
  }
}

/** The schema a database has, in the same words as `dumpSchema`. */
export function schemaOf(database: Database): string {
  const rows = database
    .prepare(
      "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY tbl_name, type DESC, name",
    )
    .pluck()
    .all() as string[];
  return [`-- Schema ${schemaVersion(database)}`, ...rows.map((sql) => `${sql};`)].join('\n\n') + '\n';
}
