import type { Database, Statement } from '@holdfast/sqlite';

import { isSealed, sealed, sealedColumns } from '../seal.ts';

/** How far the feed was taken in. */
export interface FeedStanding {
  /** What the last page ended with; null: it is read from the beginning. */
  readonly cursor: string | null;
  /** The cursor that held before it was read from the beginning again; null: there was none. */
  readonly cursorBefore: string | null;
  /** Whether it is read from the beginning, so that what does not come again is not known to be there any more. */
  readonly isStartingOver: boolean;
  /** The seq that the record got which came last by the feed; none was ever lower. 0: none came. */
  readonly lowestSeq: number;
}

interface StandingColumns {
  readonly cursor: string | null;
  readonly cursor_before: string | null;
  readonly is_starting_over: number;
  readonly lowest_seq: number;
}

/** The row that tells how far the feed was taken in. What rotted counts as nothing: the feed is read from the beginning then. */
export class FeedStandingRow {
  readonly #save: Statement;
  #standing: FeedStanding;

  constructor(database: Database) {
    const columns = sealedColumns('feed');
    this.#save = database.prepare(
      `INSERT INTO feed (id, ${columns}) VALUES (1, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET (${columns}) = (${columns.replaceAll(/\w+/g, 'excluded.$&')})`,
    );
    const row = database.prepare(`SELECT ${columns} FROM feed WHERE id = 1`).get() as StandingColumns | undefined;
    this.#standing = row !== undefined && isSealed('feed', row) ? standingOf(row) : beginning(database);
  }

  /** As it is now; inside a transaction, with what that did so far. */
  get standing(): FeedStanding {
    return this.#standing;
  }

  /** Writes it down. Needs a transaction. */
  save(standing: FeedStanding): void {
    const { cursor, cursorBefore, isStartingOver, lowestSeq } = standing;
    this.#save.run(...sealed([cursor, cursorBefore, isStartingOver ? 1 : 0, lowestSeq]));
    this.#standing = standing;
  }

  /** Remembers it; the function returned puts it back. */
  savepoint(): () => void {
    const before = this.#standing;
    return () => {
      this.#standing = before;
    };
  }
}

function beginning(database: Database): FeedStanding {
  const lowest = database.prepare('SELECT min(seq) FROM records').pluck().get() as number | null;
  const lowestSeq = Math.min(0, lowest ?? 0);
  return { cursor: null, cursorBefore: null, isStartingOver: lowestSeq < 0, lowestSeq };
}

function standingOf(row: StandingColumns): FeedStanding {
  return {
    cursor: row.cursor,
    cursorBefore: row.cursor_before,
    isStartingOver: row.is_starting_over === 1,
    lowestSeq: row.lowest_seq,
  };
}
