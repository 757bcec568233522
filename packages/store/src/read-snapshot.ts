import type { Database, Statement } from '@holdfast/sqlite';

/**
 * A read transaction held open between two writes, so that reads by key do not each take and give back SQLite's file
 * lock, which costs as much as the read itself. There is one connection to a file, and it ends the snapshot before it
 * writes: what is read is always the last commit, and no checkpoint waits for it.
 */
export class ReadSnapshot {
  readonly #begin: Statement;
  readonly #end: Statement;
  #isHeld = false;

  constructor(database: Database) {
    this.#begin = database.prepare('BEGIN');
    this.#end = database.prepare('COMMIT');
  }

  /** The next reads are under the snapshot. */
  hold(): void {
    if (this.#isHeld) return;
    this.#begin.run();
    this.#isHeld = true;
  }

  /** The connection is free to write. */
  end(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#end.run();
  }
}
