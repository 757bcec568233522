import { openDatabase } from '@holdfast/sqlite';

/**
 * Every row of every table, as text, without columns that are random: two files that hold the same have the same dump.
 * Opens the file and closes it.
 */
export function dumpRows(path: string, random: readonly string[]): string {
  const database = openDatabase(path);
  try {
    const tables = database
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
      .pluck()
      .all() as string[];
    const version = String(database.pragma('user_version', { simple: true }));
    const rows = tables.flatMap((table) => {
      const columns = (database.pragma(`table_info("${table}")`) as { readonly name: string }[]).map(
        ({ name }) => name,
      );
      const list = columns.map((name) => (random.includes(name) ? `'random'` : `"${name}"`)).join(', ');
      const order = columns.map((_, index) => index + 1).join(', ');
      const found = database.prepare(`SELECT ${list} FROM "${table}" ORDER BY ${order}`).raw().all();
      return found.map((row) => `${table} ${JSON.stringify(row)}`);
    });
    return [version, ...rows].join('\n');
  } finally {
    database.close();
  }
}
