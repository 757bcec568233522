import { type ErrorCode, HoldfastError } from '@holdfast/protocol';
import BetterSqlite3 from 'better-sqlite3';

/** What a caller can do about an SQLite failure decides its code; unlisted ones are `storage-failed`. */
const codes: Readonly<Record<string, ErrorCode>> = {
  SQLITE_FULL: 'disk-full',
};

/**
 * Gives an SQLite failure a code of the catalogue, with the SQLite code in the detail and the error as cause. Other
 * errors come back as they are.
 */
export function translateSqliteError(error: unknown, what: string): unknown {
  if (!isSqliteError(error)) return error;
  return new HoldfastError(codes[error.code] ?? 'storage-failed', `${what}: ${error.code}`, { cause: error });
}

/** Whether SQLite raised the error, so that a transaction it happened in may be gone. */
export function isSqliteError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof BetterSqlite3.SqliteError;
}
