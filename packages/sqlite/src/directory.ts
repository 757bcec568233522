import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

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
  const status = lstatSync(directory);
  if (!status.isDirectory()) throw unsafe(directory, 'is not a directory');
  const uid = process.getuid?.();
  if (uid !== undefined && status.uid !== uid) throw unsafe(directory, `belongs to user ${status.uid}, not ${uid}`);
  if ((status.mode & 0o077) !== 0) {
    throw unsafe(directory, `has mode 0${(status.mode & 0o777).toString(8)} and must have 0700`);
  }
}

function makeDirectory(directory: string): void {
  try {
    const isNew = mkdirSync(directory, { recursive: true, mode: 0o700 }) !== undefined;
    if (isNew) chmodSync(directory, 0o700);
  } catch (cause) {
    throw new HoldfastError('directory-unsafe', `${directory} cannot be made`, { cause });
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
