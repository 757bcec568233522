import { randomBytes } from 'node:crypto';

import type { Database, Statement } from '@holdfast/sqlite';

/**
 * The relay's feed position, and the epoch of its database. The position is kept in memory and written once for each
 * transaction that moved it, so that it never goes back, not even when the record at the end is removed.
 */
export class FeedPosition {
  readonly #save: Statement;
  readonly #saveEpoch: Statement;
  #epoch: string;
  #last: number;
  #saved: number;

  constructor(database: Database) {
    database
      .prepare('INSERT INTO relay (id, epoch, last_position) VALUES (1, ?, 0) ON CONFLICT DO NOTHING')
      .run(newEpoch());
    const row = database.prepare('SELECT epoch, last_position AS last FROM relay WHERE id = 1').get() as {
      epoch: string;
      last: number;
    };
    this.#epoch = row.epoch;
    this.#last = row.last;
    this.#saved = row.last;
    this.#save = database.prepare('UPDATE relay SET last_position = ? WHERE id = 1');
    this.#saveEpoch = database.prepare('UPDATE relay SET epoch = ? WHERE id = 1');
  }

  /** Names this life of the database. */
  get epoch(): string {
    return this.#epoch;
  }

  /** The last position that is durable. */
  get committed(): number {
    return this.#saved;
  }

  /** Begins another life of the database. Needs a transaction; what it returns is to be called when that is committed. */
  renewEpoch(): () => void {
    const epoch = newEpoch();
    this.#saveEpoch.run(epoch);
    return () => {
      this.#epoch = epoch;
    };
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

  /** The transaction is committed. Returns whether it moved the position. */
  saved(): boolean {
    const hasMoved = this.#saved !== this.#last;
    this.#saved = this.#last;
    return hasMoved;
  }
}

function newEpoch(): string {
  return randomBytes(16).toString('hex');
}
