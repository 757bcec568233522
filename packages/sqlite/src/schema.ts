import BetterSqlite3 from 'better-sqlite3';

import { migrate, type Migration } from './migrate.ts';

/** The schema that a list of migrations makes, as text fit for a committed file: one object a paragraph, by name. */
export function dumpSchema(migrations: readonly Migration[]): string {
  const database = new BetterSqlite3(':memory:');
  try {
    migrate(database, migrations);
    const rows = database
      .prepare(
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY tbl_name, type DESC, name",
      )
      .pluck()
      .all() as string[];
    return [`-- Schema ${migrations.length}`, ...rows.map((sql) => `${sql};`)].join('\n\n') + '\n';
  } finally {
    database.close();
  }
}
