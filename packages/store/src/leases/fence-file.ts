import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

import { HoldfastError } from '@holdfast/protocol';

import { syncDirectory } from '../set-aside.ts';

/**
 * A number beside a database (0600) up to which fences may have been given. It goes forward in steps, ahead of the fences, so that
 * it is seldom written; it is no part of backups, and stays where it is when the database is put back.
 */
export class FenceFile {
  readonly #path: string;

  /** `databasePath`: such as `relay.db`; the file is `relay.fence` then. */
  constructor(databasePath: string) {
    this.#path = `${databasePath.replace(/\.db$/, '')}.fence`;
  }

  /** Undefined if there is none that says anything. */
  read(): number | undefined {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw failure(error);
    }
    const fence = Number(text.trim() || NaN);
    return Number.isSafeInteger(fence) && fence >= 0 ? fence : undefined;
  }

  /** It is on the disk when this returns. Throws `storage-failed`. */
  write(fence: number): void {
    const unfinished = `${this.#path}.new`;
    try {
      writeFileSync(unfinished, `${fence}\n`, { mode: 0o600, flush: true });
      renameSync(unfinished, this.#path);
      syncDirectory(dirname(this.#path));
    } catch (error) {
      throw failure(error);
    }
  }
}

function failure(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) return error;
  return new HoldfastError('storage-failed', `the fences could not be kept: ${code}`, { cause: error });
}
