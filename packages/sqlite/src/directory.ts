import { chmodSync, lstatSync, mkdirSync, type Stats, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { HoldfastError } from '@holdfast/protocol';
import BetterSqlite3 from 'better-sqlite3';

import { isSqliteError } from './errors.ts';

/** A data directory held by this process. */
export interface DirectoryLock {
  /** Gives the directory up. A killed process gives it up too. */
  release(): void;
}

/**
 * Makes a data directory that only its owner can enter (0700), or makes sure an existing one is such: a real
 * directory, ours, closed to others. Throws `directory-unsafe`.
 */
export function ensurePrivateDirectory(directory: string): void {
  makeDirectory(directory);
  const uid = process.getuid?.();
  const { uid: owner } = privateDirectory(directory);
  if (uid !== undefined && owner !== uid) throw unsafe(directory, `belongs to user ${owner}, not ${uid}`);
}

/**
 * Like `ensurePrivateDirectory`, for work done for a service: root may also use a directory of another user that nobody else
 * can enter, and gives what it makes there to that user.
 */
export function ensureUsableDirectory(directory: string): void {
  if (process.getuid?.() !== 0) return ensurePrivateDirectory(directory);
  makeDirectory(directory);
  privateDirectory(directory);
}

function privateDirectory(directory: string): Stats {
  const status = lstatSync(directory);
  if (!status.isDirectory()) throw unsafe(directory, 'is not a directory');
  if ((status.mode & 0o077) !== 0) {
    throw unsafe(directory, `has mode 0${(status.mode & 0o777).toString(8)} and must have 0700`);
  }
  return status;
}

function makeDirectory(directory: string): void {
  try {
    if (makeLevels(directory)) chmodSync(directory, 0o700);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? `: ${String(cause.code)}` : '';
    throw new HoldfastError('directory-unsafe', `${directory} cannot be made${code}`, { cause });
  }
}

/**
 * Makes a directory and what is missing above it, one level at a time; false if it was there. Node's own way never ends where a
 * directory that is there lets none be made in it, such as /proc.
 */
function makeLevels(directory: string): boolean {
  if (statSync(directory, { throwIfNoEntry: false }) !== undefined) return false;
  if (dirname(directory) !== directory) makeLevels(dirname(directory));
  try {
    mkdirSync(directory, { mode: 0o700 });
    return true;
  } catch (error) {
    // Another process may have made it meanwhile.
    if (statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return false;
    throw error;
  }
}

/**
 * Takes a data directory for this process alone, at once or not at all. The lock is SQLite's own on `lock.db`, held as
 * long as the process lives; nothing else may open that file, or POSIX would drop the lock.
 *
 * Throws `directory-locked` when another process has it, `storage-failed` when the lock file does not work.
 */
export function lockDirectory(directory: string): DirectoryLock {
  const database = openLockFile(directory);
  held.add(database);
  return {
    release: () => {
      held.delete(database);
      database.close();
    },
  };
}

// better-sqlite3 closes a database that nobody refers to, and a caller may well drop the lock it never means to release.
const held = new Set<BetterSqlite3.Database>();

function openLockFile(directory: string): BetterSqlite3.Database {
  let database: BetterSqlite3.Database | undefined;
  try {
    database = new BetterSqlite3(join(directory, 'lock.db'), { timeout: 0 });
    database.pragma('locking_mode = EXCLUSIVE');
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (cause) {
    database?.close();
    const isBusy = isSqliteError(cause) && cause.code.startsWith('SQLITE_BUSY');
    if (isBusy) throw new HoldfastError('directory-locked', `${directory} is in use`, { cause });
    throw new HoldfastError('storage-failed', `cannot lock ${directory}`, { cause });
  }
}

function unsafe(directory: string, what: string): HoldfastError {
  return new HoldfastError('directory-unsafe', `${directory} ${what}`);
}
