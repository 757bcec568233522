import type { Database } from '@holdfast/sqlite';

const NOTE_FUNCTION = 'holdfast_changed';

/** Records that changed, by their keys; no key twice in a list. */
export interface Changes {
  /** Keys that a record left. */
  readonly gone: readonly number[];
  /** All keys with a change. */
  readonly all: readonly number[];
  /** Of the documents that came. */
  readonly bytes: number;
}

/**
 * Records that changed in a transaction, by their keys. A key of a change that was undone may be among them: whoever brings what is
 * derived up to date looks at what is there now.
 */
export class ChangedRecords {
  #gone = new Set<number>();
  #came = new Set<number>();
  #bytes = 0;

  /** Teaches a connection the function by which triggers note what changed. */
  constructor(database: Database) {
    database.function(NOTE_FUNCTION, (gone: number | null, came: number | null, bytes: number) => {
      if (gone !== null) this.#gone.add(gone);
      if (came !== null) this.#came.add(came);
      this.#bytes += bytes;
      return null;
    });
  }

  /** What was noted since it was taken the last time. */
  take(): Changes | undefined {
    const changes = this.look();
    this.#gone = new Set();
    this.#bytes = 0;
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
    return { gone: [...gone], all: [...all], bytes: this.#bytes };
  }
}

/** What a trigger does to note that a record left a key, and came to one with so many bytes; `NULL` for neither. */
export function noteChange(gone: string, came: string, bytes: string): string {
  return `SELECT ${NOTE_FUNCTION}(${gone}, ${came}, ${bytes});`;
}
