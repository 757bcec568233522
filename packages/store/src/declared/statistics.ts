import type { Database } from '@holdfast/sqlite';

/**
 * Rows that have the same first columns, one column after another, as SQLite's planner is to expect them. Written down once and not
 * measured: what a query costs must not change with who ran ANALYZE when. Without them SQLite takes the key of the records, which
 * every query has values for, to be as good as any index.
 */
const ROWS_OF_COLLECTION = 100_000;
const ROWS_OF_FIELDS = [1000, 100, 20, 5];
const STATISTICS_OF_KEY = '10000000 1000000 1000000 1';

/** Tells the planner what to expect of the key and of indexes over declared fields. */
export function noteStatistics(database: Database, indexes: readonly string[]): void {
  // Makes the table of statistics.
  database.exec('ANALYZE sqlite_schema');
  database.exec("DELETE FROM sqlite_stat1 WHERE tbl = 'records'");
  const note = database.prepare('INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)');
  note.run('records', 'records_key', STATISTICS_OF_KEY);
  const columns = database.prepare('SELECT count(*) FROM pragma_index_info(?)').pluck();
  for (const index of indexes) note.run('records', index, statisticsOf(columns.get(index) as number, index));
  // Reads it again.
  database.exec('ANALYZE sqlite_schema');
}

function statisticsOf(columns: number, index: string): string {
  const fields = index.slice(index.indexOf('(')).split(',').length;
  const before = Array.from({ length: columns - fields - 1 }, () => ROWS_OF_COLLECTION);
  return [ROWS_OF_COLLECTION, ...before, ...ROWS_OF_FIELDS.slice(0, fields), 1].join(' ');
}
