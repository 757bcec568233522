import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

import { type ErrorCode, HoldfastError, isHoldfastError } from '@holdfast/protocol';

const codes: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
  EROFS: 'storage-read-only',
};

/** A failure of the file system with a code of the catalogue: `disk-full`, `storage-read-only` or `storage-failed`. */
export function fileFailure(error: unknown, what: string): unknown {
  if (isHoldfastError(error) || !(error instanceof Error) || !('code' in error)) return error;
  const code = String(error.code);
  return new HoldfastError(codes[code] ?? 'storage-failed', `${what}: ${code}`, { cause: error });
}

/** Whether an error says that a file or directory is not there. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

/**
 * Writes a file (0600): whole under its name, or not at all. It is on the disk when this resolves; its name is once
 * `syncDirectory` did the directory.
 */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const unfinished = `${path}.new`;
  const file = await open(unfinished, 'w', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(unfinished, path);
}

/** Like `writeWhole`, its name included. */
export async function writeDurably(path: string, content: string): Promise<void> {
  await writeWhole(path, content);
  await syncDirectory(dirname(path));
}

/** Makes the names in a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
