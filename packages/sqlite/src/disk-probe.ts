import { closeSync, fsyncSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** More than SQLite asks for at once beside the pages themselves. */
const PROBE = Buffer.alloc(64 * 1024);

/** Bytes a file system has left for us, as far as it tells; undefined if it does not. */
export function freeBytesIn(directory: string): number | undefined {
  try {
    const { bavail, bsize, blocks } = statfsSync(directory);
    return blocks === 0 ? undefined : bavail * bsize;
  } catch {
    return undefined;
  }
}

/**
 * Writes, syncs and removes a small file of its own, and gives the code of what went wrong, such as `EROFS` or `ENOSPC`;
 * undefined if nothing did. It touches no database: SQLite's locks stay as they are.
 */
export function probeDisk(directory: string): string | undefined {
  const path = join(directory, '.probe');
  try {
    const file = openSync(path, 'w', 0o600);
    try {
      if (writeSync(file, PROBE) < PROBE.length) return 'ENOSPC';
      fsyncSync(file);
    } finally {
      closeSync(file);
      rmSync(path, { force: true });
    }
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  }
}
