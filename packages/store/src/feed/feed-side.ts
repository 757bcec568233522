import type { Database } from '@holdfast/sqlite';

import { FeedStandingRow } from './feed-standing.ts';
import { Intake, type IntakeOptions } from './intake.ts';
import { WatchedRecords } from './watched-records.ts';

/** What the file of what all nodes share can do beside what every agent's can. */
export interface FeedSide {
  /** Takes in what other nodes wrote. */
  readonly intake: Intake;
  /** What changed since a place. */
  readonly watched: WatchedRecords;
}

/** Makes a file's `FeedSide` when it is first asked for: most files never need it, and what they hold is not looked at for it. */
export class LazyFeedSide {
  readonly #database: Database;
  readonly #options: () => Omit<IntakeOptions, 'row'>;
  #made: (FeedSide & { readonly row: FeedStandingRow }) | undefined;

  constructor(database: Database, options: () => Omit<IntakeOptions, 'row'>) {
    this.#database = database;
    this.#options = options;
  }

  /** Throws like any read. */
  get(): FeedSide {
    return (this.#made ??= this.#make());
  }

  /** Remembers how far the feed was taken in; the function returned puts it back. */
  savepoint(): () => void {
    return this.#made?.row.savepoint() ?? nothingToPutBack;
  }

  #make(): FeedSide & { readonly row: FeedStandingRow } {
    const options = this.#options();
    const row = new FeedStandingRow(this.#database);
    const intake = new Intake(this.#database, { ...options, row });
    return { row, intake, watched: new WatchedRecords(this.#database, options.stream, intake) };
  }
}

function nothingToPutBack(): void {
  // Nobody asked for it yet.
}
