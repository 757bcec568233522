import { statSync } from 'node:fs';

import { HoldfastError } from '@holdfast/protocol';

import { isDamage, sqliteCodeOf } from '../errors.ts';
import { scanWal } from './scan.ts';

const REMEDY = 'Nothing was touched. Copy the data directory away, then put a backup back';

/**
 * For where a database must be one that was written: throws `file-damaged` when its file is not there or empty, which
 * SQLite would take for a new one.
 */
export function refuseEmpty(databasePath: string): void {
  if ((statSync(databasePath, { throwIfNoEntry: false })?.size ?? 0) > 0) return;
  throw new HoldfastError('file-damaged', `${databasePath} is empty or not there. ${REMEDY}`);
}

/**
 * Does what opens a database that a service cannot do without, or uses it for the first time. Throws what `use` throws;
 * but `file-damaged`, with the file and what to do, for an error of SQLite that says the file is damaged (see `isDamage`).
 */
export function refuseDamaged<Result>(databasePath: string, use: () => Result): Result {
  try {
    return use();
  } catch (cause) {
    if (!isDamage(cause)) throw cause;
    throw new HoldfastError(
      'file-damaged',
      `${databasePath} cannot be read: ${sqliteCodeOf(cause)}. Copy the data directory away, then put a backup back`,
      { cause },
    );
  }
}

/**
 * Looks at the log of a database that a service cannot do without, before it is opened (see `scanWal` for when that is
 * allowed). Throws `file-damaged` when opening it would make acknowledged writes disappear; calls `warn` with what is to
 * be told when it may.
 */
export function refuseRotten(databasePath: string, warn: (message: string) => void): void {
  const { state, offset, unreachableCommits } = scanWal(databasePath);
  if (state === 'rotten') {
    throw new HoldfastError(
      'file-damaged',
      `${databasePath}-wal cannot be read from byte ${offset} on, and ${unreachableCommits} transactions stand behind ` +
        `that. ${REMEDY}`,
    );
  }
  if (state === 'suspect') {
    warn(
      `the last transaction in ${databasePath}-wal cannot be read from byte ${offset} on: a power cut leaves that of one ` +
        'nobody was answered for, and damage leaves it of one that was',
    );
  }
}
