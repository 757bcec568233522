import { HoldfastError } from '@holdfast/protocol';
import BetterSqlite3 from 'better-sqlite3';

import { isSqliteError, translateSqliteError } from './errors.ts';

/** An open database. Everything on it is synchronous and blocks the event loop. */
export type Database = BetterSqlite3.Database;

/** A prepared statement. */
export type Statement = BetterSqlite3.Statement;

/** Below this SQLite may damage a WAL that two connections reset at once (its release notes of 3.51.3). */
const OLDEST_SQLITE = '3.51.3';

/** How `auto_vacuum` reads when it is INCREMENTAL. */
const INCREMENTAL = 2;

/** Set on every open, in this order; what can be read back is compared afterwards. */
const pragmas: readonly (readonly [name: string, set: string, reads: unknown])[] = [
  ['journal_mode', 'WAL', 'wal'],
  // better-sqlite3 is built with NORMAL as the default for WAL, which loses acknowledged writes on a power cut.
  ['synchronous', 'FULL', 2],
  ['busy_timeout', '5000', 5000],
  ['foreign_keys', 'ON', 1],
  ['trusted_schema', 'OFF', 0],
  ['cell_size_check', 'ON', 1],
  ['mmap_size', '0', 0],
  ['temp_store', 'MEMORY', 2],
  ['cache_size', '-2000', -2000],
  ['wal_autocheckpoint', '1000', 1000],
  ['journal_size_limit', '67108864', 67_108_864],
  ['secure_delete', 'ON', 1],
];

/**
 * Opens a database file, creating it if it is not there, with every setting durability rests on set and read back:
 * WAL and `synchronous=FULL` (protocol rule 1), bounded cache and WAL, no trust in the file's schema.
 *
 * Throws `sqlite-unsafe` when a setting did not hold or SQLite is too old, `storage-failed` when the file cannot be
 * opened or is not a database.
 */
export function openDatabase(path: string): Database {
  let database: Database | undefined;
  try {
    database = new BetterSqlite3(path);
    // Only takes effect on an empty file; lets retention give space back later without rewriting the file. Setting it
    // again would write to the file, and a file of a newer schema must stay as it is.
    if (database.pragma('auto_vacuum', { simple: true }) !== INCREMENTAL) database.pragma('auto_vacuum = INCREMENTAL');
    for (const [name, value] of pragmas) database.pragma(`${name} = ${value}`);
    assertSettings(database, path);
    return database;
  } catch (error) {
    database?.close();
    // better-sqlite3 itself, not SQLite, complains of a directory that is not there.
    if (database === undefined && !isSqliteError(error)) {
      throw new HoldfastError('storage-failed', `cannot open ${path}`, { cause: error });
    }
    throw translateSqliteError(error, `cannot open ${path}`);
  }
}

function assertSettings(database: Database, path: string): void {
  const version = database.prepare('SELECT sqlite_version()').pluck().get() as string;
  if (isOlder(version, OLDEST_SQLITE)) {
    throw new HoldfastError('sqlite-unsafe', `SQLite ${version} is older than ${OLDEST_SQLITE}`);
  }
  for (const [name, , expected] of pragmas) {
    const actual = database.pragma(name, { simple: true });
    if (actual !== expected) {
      throw new HoldfastError('sqlite-unsafe', `${path}: ${name} is ${String(actual)} and not ${String(expected)}`);
    }
  }
}

function isOlder(version: string, than: string): boolean {
  const left = version.split('.').map(Number);
  const right = than.split('.').map(Number);
  const at = right.findIndex((part, index) => (left[index] ?? 0) !== part);
  return at !== -1 && (left[at] ?? 0) < (right[at] ?? 0);
}
