import type { SqlValue } from '../query/sql.ts';
import type { ChunkBounds, RowChunk } from './messages.ts';

/** A value as `node:sqlite` gives it when integers are to come whole. */
export type RawValue = null | string | number | bigint | Uint8Array;

/** A running statement: its columns, and its rows as they are asked for. */
export interface RowCursor {
  readonly columns: readonly string[];
  readonly rows: Iterator<readonly RawValue[]>;
  /** What becomes of each value. */
  readonly valueOf: (value: RawValue) => SqlValue;
}

/** The rows of a statement of a connection whose rows are arrays: Node's types know only of the other kind. */
export function* arrayRows(rows: Iterable<unknown>): Generator<readonly RawValue[], void> {
  for (const row of rows) yield row as readonly RawValue[];
}

/**
 * Cuts the rows of a statement into chunks; reads one row ahead, so that the last chunk is known to be the last. Where no more than
 * `most` rows are wanted and there are more, no chunk is the last.
 */
export class RowChunks {
  readonly #cursor: RowCursor;
  readonly #bounds: ChunkBounds;
  #next: IteratorResult<readonly RawValue[]> | undefined;
  #left: number;

  constructor(cursor: RowCursor, bounds: ChunkBounds, most: number = Infinity) {
    this.#cursor = cursor;
    this.#bounds = bounds;
    this.#left = most;
  }

  /** The next chunk. Throws what SQLite does. */
  next(): RowChunk {
    const { columns, rows, valueOf } = this.#cursor;
    const mostRows = Math.min(this.#bounds.rows, this.#left);
    const taken: SqlValue[][] = [];
    let bytes = 0;
    let row = this.#next ?? rows.next();
    while (row.done !== true && taken.length < mostRows && bytes < this.#bounds.bytes) {
      const values = row.value.map(valueOf);
      taken.push(values);
      bytes += values.reduce<number>((sum, value) => sum + (typeof value === 'string' ? value.length : 1), 0);
      row = rows.next();
    }
    this.#left -= taken.length;
    this.#next = row;
    return { kind: 'rows', columns, rows: taken, isLast: row.done === true };
  }

  /** Ends the statement. */
  stop(): void {
    this.#cursor.rows.return?.();
  }
}
