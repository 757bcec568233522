import type { Database } from '@holdfast/sqlite';

/** Whether a table has a column: files of earlier schemas have fewer. */
export function hasColumn(database: Database, table: string, column: string): boolean {
  const columns = database.pragma(`table_info(${table})`) as { readonly name: string }[];
  return columns.some(({ name }) => name === column);
}
