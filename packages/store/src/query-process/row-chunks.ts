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

/** Cuts the rows of a statement into chunks; reads one row ahead, so that the last chunk is known to be the last. */
export class RowChunks {
  readonly #cursor: RowCursor;
  readonly #bounds: ChunkBounds;
  #next: IteratorResult<readonly RawValue[]> | undefined;

  constructor(cursor: RowCursor, bounds: ChunkBounds) {
    this.#cursor = cursor;
    this.#bounds = bounds;
  }

  /** The next chunk. Throws what SQLite does. */
  next(): RowChunk {
    const { columns, rows, valueOf } = this.#cursor;
    const taken: SqlValue[][] = [];
    let bytes = 0;
    let row = this.#next ?? rows.next();
    while (row.done !== true) {
      const values = row.value.map(valueOf);
      taken.push(values);
      bytes += values.reduce<number>((sum, value) => sum + (typeof value === 'string' ? value.length : 1), 0);
      row = rows.next();
      if (taken.length === this.#bounds.rows || bytes >= this.#bounds.bytes) break;
    }
    this.#next = row;
    return { kind: 'rows', columns, rows: taken, isLast: row.done === true };
  }

  /** Ends the statement. */
  stop(): void {
    this.#cursor.rows.return?.();
  }
}
