import type { Lines } from '../query/row-source.ts';
import type { Sql, SqlValue } from '../query/sql.ts';

/** How much of an answer goes into one message: it ends after the row that reaches either. */
export interface ChunkBounds {
  readonly rows: number;
  /** Of texts, roughly. */
  readonly bytes: number;
}

/** What a process is told before the query, if it needs to know anything; it answers with a chunk of no rows. */
export interface SetupRequest {
  readonly kind: 'setup';
}

/** What a process that runs queries is told. It answers each but `stop` with one reply. */
export type QueryRequest =
  | SetupRequest
  | {
      readonly kind: 'run';
      readonly sql: Sql;
      readonly chunk: ChunkBounds;
      /** The rows are of records (`ListedRow`), and wanted as lines: so many of them at most. Default: rows are wanted, all. */
      readonly mostLines?: number | undefined;
    }
  | { readonly kind: 'more' }
  /** Nobody wants the rest. */
  | { readonly kind: 'stop' };

/** Why a query did not run to its end. */
export interface QueryFailure {
  /** SQLite's result code; undefined: it was not SQLite that failed. */
  readonly resultCode: number | undefined;
  /** Before the first row was looked for: what went wrong is in the text of the query. */
  readonly isOfText: boolean;
  /** May hold parts of a document unless `isOfText` or `isOfDamage`. */
  readonly message: string;
  /** What was read cannot be what was written; then the message holds nothing of it. */
  readonly isOfDamage: boolean;
  /** What the query asked for and may not, if that is why. */
  readonly refused: string | undefined;
}

/** A part of an answer. */
export interface RowChunk {
  readonly kind: 'rows';
  /** Names of the columns. */
  readonly columns: readonly string[];
  /** Where lines are wanted, the last row only. */
  readonly rows: readonly (readonly SqlValue[])[];
  /** The rows as lines of NDJSON, where lines are wanted. */
  readonly lines?: Lines;
  /** Whether these were the last. */
  readonly isLast: boolean;
}

/** What a process that runs queries answers. */
export type QueryReply = RowChunk | ({ readonly kind: 'failed' } & QueryFailure);
