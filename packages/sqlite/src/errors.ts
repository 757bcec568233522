import { type ErrorCode, HoldfastError } from '@holdfast/protocol';
import BetterSqlite3 from 'better-sqlite3';

/** What a caller can do about an SQLite failure decides its code; unlisted ones are `storage-failed`. */
const codes: Readonly<Record<string, ErrorCode>> = {
  SQLITE_FULL: 'disk-full',
};

/** The SQLite codes, with all their extensions, that speak of what is in the file and not of the disk under it. */
const DAMAGE = /^SQLITE_(CORRUPT|NOTADB)(_|$)/;
/** SQLite's words for a stored document that is none any more: what is bound to our statements is made as JSON. */
const NO_DOCUMENT = 'malformed JSON';
/** I/O errors that nothing was written by: reading, asking for memory, looking at the file. */
const HARMLESS_IO = /^SQLITE_IOERR_(READ|SHORT_READ|CORRUPTFS|DATA|NOMEM|ACCESS|FSTAT|.*LOCK)$/;

/** An error as SQLite raised it. */
export type SqliteError = Error & { readonly code: string };

/**
 * What an SQLite error says of the disk: `full`; `refused`: the file may not be written to; `failed`: a write, a sync or
 * what goes with them did not succeed, and what is on the disk is not known.
 */
export type DiskTrouble = 'full' | 'refused' | 'failed';

/**
 * Gives an SQLite failure a code of the catalogue, with the SQLite code in the detail and the error as cause. Other
 * errors come back as they are.
 */
export function translateSqliteError(error: unknown, what: string): unknown {
  if (!isSqliteError(error)) return error;
  return new HoldfastError(codes[error.code] ?? 'storage-failed', `${what}: ${error.code}`, { cause: error });
}

/** The names of the result codes that decide what becomes of a failed read; a connection that only reads has no others. */
const readingCodes: Readonly<Record<number, string>> = {
  5: 'SQLITE_BUSY',
  10: 'SQLITE_IOERR_READ',
  11: 'SQLITE_CORRUPT',
  14: 'SQLITE_CANTOPEN',
  26: 'SQLITE_NOTADB',
};

/**
 * The error that SQLite raised in another process, on a connection that only reads, by its result code. Without the message it
 * had there, which may hold parts of a document.
 */
export function sqliteError(resultCode: number): SqliteError {
  const code = readingCodes[resultCode & 0xff] ?? 'SQLITE_ERROR';
  return new BetterSqlite3.SqliteError(`result code ${resultCode} in a process that reads`, code);
}

/** Whether SQLite raised the error, so that a transaction it happened in may be gone. */
export function isSqliteError(error: unknown): error is SqliteError {
  return error instanceof BetterSqlite3.SqliteError;
}

/**
 * Whether an error says that the file itself is damaged (`SQLITE_CORRUPT`, `SQLITE_NOTADB`, a document that is no JSON any more), as
 * SQLite raised it or as the cause of an error of ours. Trouble with the disk, with room or with file handles is no damage.
 */
export function isDamage(error: unknown): boolean {
  const raised = sqliteErrorIn(error);
  return raised !== undefined && (DAMAGE.test(raised.code) || raised.message === NO_DOCUMENT);
}

/** What an error, or the SQLite error that caused it, says of the disk; undefined: nothing. */
export function diskTroubleOf(error: unknown): DiskTrouble | undefined {
  const code = sqliteCodeOf(error) ?? '';
  if (code === 'SQLITE_FULL') return 'full';
  if (code.startsWith('SQLITE_READONLY')) return 'refused';
  return code.startsWith('SQLITE_IOERR') && !HARMLESS_IO.test(code) ? 'failed' : undefined;
}

/** SQLite's code for an error, or for the SQLite error that caused it; undefined: SQLite raised none. */
export function sqliteCodeOf(error: unknown): string | undefined {
  return sqliteErrorIn(error)?.code;
}

function sqliteErrorIn(error: unknown): SqliteError | undefined {
  for (let at = error; at instanceof Error; at = at.cause) if (isSqliteError(at)) return at;
  return undefined;
}
