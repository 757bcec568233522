import { type FileHandle, open, rm } from 'node:fs/promises';

import { HoldfastError } from '@holdfast/protocol';

import { translateSqliteError } from './errors.ts';
import type { Database } from './open.ts';

/** Pages copied in one turn of the event loop: 1 MiB of them, some milliseconds. */
const STEP_PAGES = 256;

/** Pages after which what was copied goes to the disk. All of it at the end would hold the event loop up. */
const FLUSH_PAGES = 4096;

/** How far a copy is. */
export interface CopyProgress {
  readonly copiedPages: number;
  readonly totalPages: number;
}

/**
 * Copies an open database to a new file (0600), in small steps between which it is read and written as usual: what is
 * committed on this connection meanwhile is in the copy too. The copy is whole and on the disk when this resolves.
 *
 * `database` must be the one connection that writes to the file: after each write of another one the copy would begin anew.
 * Throws `storage-failed` or `disk-full`, the first also when the database is closed meanwhile or there is a file at `path`,
 * which stays as it is; and what `onProgress` throws, which ends the copy. Nothing of the copy is left then.
 */
export async function copyDatabase(
  database: Database,
  path: string,
  onProgress?: (progress: CopyProgress) => void,
): Promise<void> {
  const file = await makeFile(path);
  try {
    await copyPages(database, path, file, onProgress);
  } catch (error) {
    for (const suffix of ['', '-journal']) await rm(`${path}${suffix}`, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

/** Makes the file empty: private from its first byte, and no other one is written over. */
async function makeFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx', 0o600);
  } catch (cause) {
    throw failed(path, cause);
  }
}

async function copyPages(
  database: Database,
  path: string,
  file: FileHandle,
  onProgress: (progress: CopyProgress) => void = () => undefined,
): Promise<void> {
  let flush: Promise<unknown> | undefined;
  let nextFlushPages = FLUSH_PAGES;
  const progress = ({ totalPages, remainingPages }: { totalPages: number; remainingPages: number }): number => {
    const copiedPages = totalPages - remainingPages;
    if (copiedPages >= nextFlushPages && flush === undefined) {
      nextFlushPages = copiedPages + FLUSH_PAGES;
      // A flush that fails is no matter: SQLite's own at the end is the one that counts.
      flush = file
        .datasync()
        .catch(() => undefined)
        .finally(() => (flush = undefined));
    }
    onProgress({ copiedPages, totalPages });
    return STEP_PAGES;
  };
  try {
    await database.backup(path, { progress });
  } catch (error) {
    throw database.open ? translateSqliteError(error, `cannot copy to ${path}`) : failed(path, error);
  } finally {
    await flush;
  }
}

function failed(path: string, cause: unknown): HoldfastError {
  return new HoldfastError('storage-failed', `cannot copy to ${path}`, { cause });
}
