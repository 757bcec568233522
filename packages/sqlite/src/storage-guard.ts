import { translateSqliteError } from './errors.ts';

/** What stands between the databases of a process and those who wait for them, when the disk fails. */
export interface StorageGuard {
  /** Throws `storage-failed` once nothing may be acknowledged any more. Cheap: asked twice in each transaction. */
  assertSound(): void;
  /**
   * Gives an error that a database's use threw its code of the catalogue, and draws the consequences of what it says of
   * the disk. `what` failed, for the detail; `file` is for the log. Other errors come back as they are.
   */
  translate(error: unknown, what: string, file: string): unknown;
}

/** Draws no consequences: for a database that is used by one command, or alone. */
export const unguarded: StorageGuard = Object.freeze({
  assertSound: () => undefined,
  translate: (error: unknown, what: string) => translateSqliteError(error, what),
});
