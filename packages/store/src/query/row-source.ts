import type { Sql, SqlValue } from './sql.ts';

/** A row by the names of its columns. */
export type Row = Readonly<Record<string, SqlValue>>;

/** Records as lines of NDJSON, each with its line feed. */
export interface Lines {
  readonly text: string;
  readonly count: number;
}

/** Records that follow each other in a query, as lines. */
export interface RecordLines extends Lines {
  /** The row of the last of them. */
  readonly last: Row;
  /** Whether there are further ones that were not wanted. */
  readonly isCut: boolean;
}

/** Runs compiled queries somewhere else than on the connection of the store, so that they do not hold it up. */
export interface RowSource {
  /**
   * The rows of a query, in groups as they come; none is read that nobody asks for. Whoever stops early stops the query. `signal`
   * ends it at once. Throws `query-timeout`, `query-failed`, `shutting-down`, and SQLite's errors.
   */
  rows(sql: Sql, signal?: AbortSignal): AsyncGenerator<readonly Row[], void>;

  /**
   * Like `rows`, for a query that lists records: whole ones as lines, `most` of them and no more. What reads the rows makes the lines
   * too, so that no document passes through here but as a piece of text. Throws `file-damaged` too.
   */
  recordLines(sql: Sql, most: number, signal?: AbortSignal): AsyncGenerator<RecordLines, void>;
}
