import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { assertArchive, assertMark, listBackups, readManifest, verifyBackup } from '@holdfast/backup';
import { HoldfastError } from '@holdfast/protocol';

import type { FileBar } from './progress.ts';

/** What came of restoring a backup as a trial. */
export interface Verified {
  readonly id: string;
  readonly files: number;
  /** What is wrong, a line each; empty if it is whole. */
  readonly problems: readonly string[];
  /** What had rotted of a relay's records before it was made. */
  readonly damaged_records: readonly string[];
}

/**
 * Restores a backup, or each one there is, file by file into a temporary place and checks it. Nothing in the directory of
 * backups is changed. Throws `backup-not-found`, `disk-full`, `storage-failed`.
 */
export async function verifyAll(directory: string, id: string | undefined, bar: FileBar): Promise<Verified[]> {
  await assertArchive(directory);
  const ids = id === undefined ? (await listBackups(directory)).map((backup) => backup.id) : [id];
  const marks = await problemsIn(() => assertMark(directory));
  const scratch = await mkdtemp(join(tmpdir(), 'holdfast-verify-'));
  try {
    const verified: Verified[] = [];
    for (const one of ids) verified.push(await verifyOne(directory, one, { scratch, bar, marks }));
    return verified;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

interface Trial {
  readonly scratch: string;
  readonly bar: FileBar;
  /** What is wrong with the directory as a whole. */
  readonly marks: readonly string[];
}

async function verifyOne(directory: string, id: string, { scratch, bar, marks }: Trial): Promise<Verified> {
  let files = 0;
  const damaged: string[] = [];
  const problems = await problemsIn(async () => {
    const { content } = await readManifest(directory, id);
    const onFile = (): void => bar.show(`verifying ${id}`, (files += 1), content.files.length);
    const found = await verifyBackup(directory, content, { scratch, onFile });
    damaged.push(...found.damagedRecords);
    return found.problems;
  });
  return { id, files, problems: [...marks, ...problems], damaged_records: damaged };
}

/** What is wrong by the codes that speak of the backup itself; others are thrown. */
async function problemsIn(work: () => Promise<readonly string[] | void>): Promise<readonly string[]> {
  try {
    return (await work()) ?? [];
  } catch (error) {
    const isAboutBackup = error instanceof HoldfastError && ['backup-damaged', 'schema-newer'].includes(error.code);
    if (!isAboutBackup) throw error;
    return [error.message];
  }
}
