import type { Database } from '@holdfast/sqlite';

const NOTE_FUNCTION = 'holdfast_changed';

/**
 * Records that changed in a transaction, by their keys. A key of a change that was undone may be among them: whoever brings what is
 * derived up to date looks at what is there now.
 */
export class ChangedRecords {
  #gone = new Set<number>();
  #came = new Set<number>();

  /** Teaches a connection the function by which triggers note what changed. */
  constructor(database: Database) {
    database.function(NOTE_FUNCTION, (gone: number | null, came: number | null) => {
      if (gone !== null) this.#gone.add(gone);
      if (came !== null) this.#came.add(came);
      return null;
    });
  }

  /** What was noted since it was taken the last time. */
  take(): Changes | undefined {
    const changes = this.look();
    this.#gone = new Set();
    return changes;
  }

  /**
   * What was noted so far. It stays noted, as what is done with it may be undone with a part of the transaction; and as if records had
   * left all of these keys, since something may stand for them then.
   */
  look(): Changes | undefined {
    if (this.#gone.size === 0 && this.#came.size === 0) return undefined;
    const [gone, all] = [this.#gone, new Set([...this.#came, ...this.#gone])];
    this.#gone = all;
    this.#came = new Set();
    return { gone: gone.size === 0 ? undefined : JSON.stringify([...gone]), all: JSON.stringify([...all]) };
  }
}

/** Keys that a record left, and all keys with a change, as lists in JSON. */
interface Changes {
  readonly gone: string | undefined;
  readonly all: string;
}

/** What a trigger does to note that a record left a key, and came to one; `NULL` for neither. */
export function noteChange(gone: string, came: string): string {
  return `SELECT ${NOTE_FUNCTION}(${gone}, ${came});`;
}
