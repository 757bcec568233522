import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { HoldfastError } from '@holdfast/protocol';
import { type FileReport, runCheck } from '@holdfast/store';

import { extractFile } from './extract.ts';
import { type BackupFile, kindOf, type Manifest } from './manifest.ts';

/** Where a backup is put to the test, and how it goes on. */
export interface VerifyOptions {
  /** An empty directory; each file is restored there, and removed again. */
  readonly scratch: string;
  readonly signal?: AbortSignal;
  /** A file was done, `bytes` long. */
  readonly onFile?: (bytes: number) => void;
}

/**
 * Restores a backup file by file into a scratch place and checks each: its chunks, its hash, and for a database everything
 * `runCheck` does. Gives what is wrong, a line each, fit for a log; nothing if it is whole.
 *
 * Throws what keeps it from being tried: `disk-full`, `storage-failed`, the signal's reason.
 */
export async function verifyBackup(directory: string, manifest: Manifest, options: VerifyOptions): Promise<string[]> {
  const problems: string[] = [];
  for (const file of manifest.files) {
    options.signal?.throwIfAborted();
    problems.push(...(await verifyFile(directory, file, options)));
    options.onFile?.(file.bytes);
  }
  return problems;
}

async function verifyFile(directory: string, file: BackupFile, { scratch, signal }: VerifyOptions): Promise<string[]> {
  const path = join(scratch, 'restored');
  try {
    await extractFile(directory, file, path, signal);
    return await checkRestored(path, file, signal);
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'backup-damaged') throw error;
    return [`${file.path}: ${error.message}`];
  } finally {
    await removeDatabase(path);
  }
}

/** Checks a file that was restored to `path`, where nobody has it open. Gives what is wrong with it. */
export async function checkRestored(path: string, file: BackupFile, signal?: AbortSignal): Promise<string[]> {
  const kind = kindOf(file.path);
  if (kind === undefined || kind === 'secret') return [];
  const report = await runCheck(path, kind, signal === undefined ? {} : { signal });
  // The check leaves the empty log and index of a reader behind.
  await removeLog(path);
  return report.state === 'sound' ? [] : [`${file.path}: ${findingOf(report)}`];
}

function findingOf({ state, problems, error }: FileReport): string {
  const found = problems.map(({ kind, count, detail }) => `${kind} (${count}): ${detail}`);
  return [state, ...found, ...(error === null ? [] : [error])].join('; ');
}

async function removeDatabase(path: string): Promise<void> {
  await rm(path, { force: true });
  await removeLog(path);
}

async function removeLog(path: string): Promise<void> {
  for (const suffix of ['-wal', '-shm']) await rm(`${path}${suffix}`, { force: true });
}
