import type { Database, Statement } from '@holdfast/sqlite';

import { FenceFile } from './fence-file.ts';

/** So many fences are given before the file beside the database is written again. */
const STEP = 1000;
/** How far fences go on above the highest known once some may have been forgotten: more than were ever given since a backup. */
const LEAP = 2 ** 32;

/**
 * Gives fences that only grow: in the database with each lease, and ahead of it in a file beside it, so that a database put back to
 * an older copy of itself gives none twice. Where that file is missing too, or somebody has seen a higher fence than any that is
 * known here, they go on far above. All that writes needs a transaction.
 */
export class FenceCounter {
  readonly #file: FenceFile;
  readonly #last: Statement;
  readonly #save: Statement;
  /** Up to where the file allows; undefined: it was not read yet. */
  #reserved: number | undefined;
  /** What the file said, or what makes up for it: fences are above, whatever the database says. */
  #floor = 0;

  constructor(database: Database) {
    this.#file = new FenceFile(database.name);
    this.#last = database.prepare('SELECT fence FROM last_fence WHERE id = 1').pluck();
    this.#save = database.prepare('UPDATE last_fence SET fence = ? WHERE id = 1');
  }

  /** Gives the next fence. */
  next(): number {
    const fence = this.#highest() + 1;
    if (fence > (this.#reserved ?? 0)) this.#reserve(fence);
    this.#save.run(fence);
    return fence;
  }

  /** Whether those given from now on are above a fence that was seen. */
  isAbove(seen: number): boolean {
    return seen <= this.#highest();
  }

  /** See `Leases.outgrow`. */
  outgrow(seen: number): void {
    if (!this.isAbove(seen)) this.#save.run(seen + LEAP);
  }

  #highest(): number {
    const last = this.#last.get() as number;
    if (this.#reserved === undefined) this.#readFile(last);
    return Math.max(last, this.#floor);
  }

  #readFile(last: number): void {
    const noted = this.#file.read();
    this.#floor = noted ?? (last === 0 ? 0 : last + LEAP);
    this.#reserved = this.#floor;
  }

  #reserve(fence: number): void {
    const reserved = fence + STEP;
    this.#file.write(reserved);
    this.#reserved = reserved;
  }
}
