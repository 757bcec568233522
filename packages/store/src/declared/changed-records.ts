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

  /** What was noted since it was taken the last time: keys that a record left, and all keys, as lists in JSON. */
  take(): { readonly gone: string | undefined; readonly all: string } | undefined {
    if (this.#gone.size === 0 && this.#came.size === 0) return undefined;
    const [gone, all] = [this.#gone, new Set([...this.#came, ...this.#gone])];
    this.#gone = new Set();
    this.#came = new Set();
    return { gone: gone.size === 0 ? undefined : JSON.stringify([...gone]), all: JSON.stringify([...all]) };
  }
}

/** What a trigger does to note that a record left a key, and came to one; `NULL` for neither. */
export function noteChange(gone: string, came: string): string {
  return `SELECT ${NOTE_FUNCTION}(${gone}, ${came});`;
}
