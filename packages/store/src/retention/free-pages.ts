import { setImmediate as nextTurn } from 'node:timers/promises';

import type { Database } from '@holdfast/sqlite';

/** Pages given back in one transaction: a mebibyte. */
const STEP_PAGES = 256;

/** Runs something in a transaction of its own. */
export type InTransaction = (run: () => void) => Promise<void>;

/**
 * Gives the pages of a database that hold nothing any more back to the file system, a few at a time. Databases are made with
 * `auto_vacuum=INCREMENTAL`; one that was made otherwise keeps its pages for what is written later.
 */
export class FreePages {
  readonly #database: Database;
  readonly #inTransaction: InTransaction;
  readonly #endReading: () => void;

  /** `endReading` ends what the connection reads: what it may still see cannot be given back. */
  constructor(database: Database, inTransaction: InTransaction, endReading: () => void) {
    this.#database = database;
    this.#inTransaction = inTransaction;
    this.#endReading = endReading;
  }

  /** Gives all of them back, others being served meanwhile. Resolves with how many bytes the file has become smaller. */
  async giveBack(isStopped: () => boolean): Promise<number> {
    const before = this.#figure('page_count');
    for (let free = this.#figure('freelist_count'); free > 0 && !isStopped();) {
      await this.#inTransaction(() => void this.#database.pragma(`incremental_vacuum(${STEP_PAGES})`));
      await nextTurn();
      const left = this.#figure('freelist_count');
      if (left >= free) break;
      free = left;
    }
    const freed = Math.max(0, before - this.#figure('page_count'));
    if (freed > 0) this.#checkpoint();
    return freed * this.#figure('page_size');
  }

  // The file itself becomes smaller with this. It waits for nobody: who reads keeps it until the next one, which comes by itself.
  #checkpoint(): void {
    this.#endReading();
    this.#database.pragma('wal_checkpoint(PASSIVE)');
  }

  #figure(name: 'page_count' | 'page_size' | 'freelist_count'): number {
    return this.#database.pragma(name, { simple: true }) as number;
  }
}
