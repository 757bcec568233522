import type { Database, Statement } from '@holdfast/sqlite';

/**
 * A read transaction held open between two writes, so that reads by key do not each take and give back SQLite's file
 * lock, which costs as much as the read itself. There is one connection to a file, and it ends the snapshot before it
 * writes: what is read is always the last commit, and no checkpoint waits for it.
 */
export class ReadSnapshot {
  readonly #database: Database;
  readonly #begin: Statement;
  readonly #end: Statement;

  constructor(database: Database) {
    this.#database = database;
    this.#begin = database.prepare('BEGIN');
    this.#end = database.prepare('COMMIT');
  }

  /** The next reads are under the snapshot. */
  hold(): void {
    if (!this.#database.inTransaction) this.#begin.run();
  }

  /** The connection is free to write. */
  end(): void {
    if (this.#database.inTransaction) this.#end.run();
  }
}
