import { randomBytes } from 'node:crypto';

import type { Database, Statement } from '@holdfast/sqlite';

/**
 * The relay's feed position, and the epoch of its database. The position is kept in memory and written once for each
 * transaction that moved it, so that it never goes back, not even when the record at the end is removed.
 */
export class FeedPosition {
  /** Names this life of the database. */
  readonly epoch: string;
  readonly #save: Statement;
  #last: number;
  #saved: number;

  constructor(database: Database) {
    database
      .prepare('INSERT INTO relay (id, epoch, last_position) VALUES (1, ?, 0) ON CONFLICT DO NOTHING')
      .run(randomBytes(16).toString('hex'));
    const row = database.prepare('SELECT epoch, last_position AS last FROM relay WHERE id = 1').get() as {
      epoch: string;
      last: number;
    };
    this.epoch = row.epoch;
    this.#last = row.last;
    this.#saved = row.last;
    this.#save = database.prepare('UPDATE relay SET last_position = ? WHERE id = 1');
  }

  /** The position the next change would get. It is free until `take`. */
  get next(): number {
    return this.#last + 1;
  }

  /** Gives `next` away. */
  take(): void {
    this.#last += 1;
  }

  /** What puts the position back to where it is now, for when a unit or transaction is undone. */
  savepoint(): () => void {
    const last = this.#last;
    return () => {
      this.#last = last;
    };
  }

  /** Writes the position down. Needs a transaction. */
  save(): void {
    if (this.#last !== this.#saved) this.#save.run(this.#last);
  }

  /** The transaction is committed. */
  saved(): void {
    this.#saved = this.#last;
  }
}
