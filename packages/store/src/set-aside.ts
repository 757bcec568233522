import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** What belongs to one SQLite database, the log before the file it belongs to. */
const SUFFIXES = ['-wal', '-shm', ''];

/** All files of a database: itself, its write-ahead log and its index. */
export function databaseFiles(path: string): string[] {
  return SUFFIXES.map((suffix) => `${path}${suffix}`);
}

/** Removes a database that is nobody's: one half built, or a scratch copy. */
export function removeDatabase(path: string): void {
  for (const file of databaseFiles(path)) rmSync(file, { force: true });
}

/**
 * Moves a database with its log into a folder, made if it is not there, and writes `about` beside it as `reason.json`.
 * It is on the disk when this returns, and may be done again after a crash at any step: what was moved stays moved, and
 * nothing is moved over it.
 */
export function setAside(path: string, folder: string, about: Readonly<Record<string, unknown>>): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const reason = join(folder, 'reason.json');
  if (!existsSync(reason)) writeFileSync(reason, `${JSON.stringify(about, null, 2)}\n`, { mode: 0o600, flush: true });
  for (const file of databaseFiles(path)) {
    if (existsSync(file)) renameSync(file, freePath(join(folder, basename(file))));
  }
  for (const directory of [folder, dirname(folder), dirname(path)]) syncDirectory(directory);
}

function freePath(path: string): string {
  let free = path;
  for (let number = 2; existsSync(free); number += 1) free = `${path}.${number}`;
  return free;
}

/** Makes renames and new files in a directory last. */
export function syncDirectory(directory: string): void {
  const file = openSync(directory, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
