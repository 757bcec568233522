import type { Sql, SqlValue } from './sql.ts';

/** A row by the names of its columns. */
export type Row = Readonly<Record<string, SqlValue>>;

/** Runs compiled queries somewhere else than on the connection of the store, so that they do not hold it up. */
export interface RowSource {
  /**
   * The rows of a query, in groups as they come; none is read that nobody asks for. Whoever stops early stops the query. `signal`
   * ends it at once. Throws `query-timeout`, `query-failed`, `shutting-down`, and SQLite's errors.
   */
  rows(sql: Sql, signal?: AbortSignal): AsyncGenerator<readonly Row[], void>;
}
