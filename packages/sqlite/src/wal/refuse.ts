import { statSync } from 'node:fs';

import { HoldfastError } from '@holdfast/protocol';

import { scanWal } from './scan.ts';

const REMEDY = 'Nothing was touched. Copy the data directory away, then bring a backup back with `holdfast restore`';

/**
 * For where a database must be one that was written: throws `file-damaged` when its file is not there or empty, which
 * SQLite would take for a new one.
 */
export function refuseEmpty(databasePath: string): void {
  if ((statSync(databasePath, { throwIfNoEntry: false })?.size ?? 0) > 0) return;
  throw new HoldfastError('file-damaged', `${databasePath} is empty or not there. ${REMEDY}`);
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
