import { createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';

import { HoldfastError } from '@holdfast/protocol';

import { assertArchive, listBackups, readManifest, type StoredBackup } from './archive.ts';
import { readChunk } from './chunks.ts';
import { fileFailure } from './durable-file.ts';
import { agentPath, type BackupFile, type Manifest } from './manifest.ts';

/**
 * Writes a file of a backup to a new file (0600), whole and on the disk, or leaves nothing. Throws `backup-damaged` naming
 * what is missing or changed, `disk-full`, `storage-failed`, and the signal's reason.
 */
export async function extractFile(
  directory: string,
  file: BackupFile,
  intoPath: string,
  signal?: AbortSignal,
): Promise<void> {
  try {
    await assemble(directory, file, intoPath, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) await rm(intoPath, { force: true });
    throw fileFailure(error, `cannot write ${intoPath}`);
  }
}

async function assemble(directory: string, file: BackupFile, intoPath: string, signal?: AbortSignal): Promise<void> {
  const whole = createHash('sha256');
  let bytes = 0;
  const target = await open(intoPath, 'wx', 0o600);
  try {
    for (const hash of file.chunks) {
      signal?.throwIfAborted();
      const chunk = await readChunk(directory, hash);
      whole.update(chunk);
      bytes += chunk.length;
      await target.writeFile(chunk);
    }
    if (bytes !== file.bytes || whole.digest('hex') !== file.sha256) {
      throw new HoldfastError('backup-damaged', `the chunks of ${file.path} do not make up the file`);
    }
    await target.sync();
  } finally {
    await target.close();
  }
}

/**
 * Writes an agent's file as it is in a backup to a new file: the backup with this id, else the newest verified one that has
 * the agent, else the newest that has it.
 *
 * Throws `backup-not-found`, `backup-damaged`, `schema-newer`, `disk-full`, `storage-failed`; nothing is left then.
 */
export async function extractAgent(
  backupDirectory: string,
  id: string | undefined,
  agent: string,
  intoPath: string,
): Promise<{ id: string }> {
  await assertArchive(backupDirectory);
  const manifest = id === undefined ? await newestWith(backupDirectory, agent) : await named(backupDirectory, id);
  const file = manifest?.files.find(({ path }) => path === agentPath(agent));
  if (manifest === undefined || file === undefined) {
    throw new HoldfastError(
      'backup-not-found',
      `no backup${id === undefined ? '' : ` ${id}`} has the agent "${agent}"`,
    );
  }
  await extractFile(backupDirectory, file, intoPath);
  return { id: manifest.id };
}

async function named(directory: string, id: string): Promise<Manifest> {
  return (await readManifest(directory, id)).content;
}

async function newestWith(directory: string, agent: string): Promise<Manifest | undefined> {
  const having = (await listBackups(directory)).filter(({ manifest }) => hasFile(manifest, agentPath(agent)));
  return newestGood(having)?.manifest;
}

/** The newest verified one of a list that is newest first, else its first. */
export function newestGood(backups: readonly StoredBackup[]): StoredBackup | undefined {
  return backups.find(({ verifiedAt }) => verifiedAt !== null) ?? backups[0];
}

/** Whether a backup that can be read has a file. */
export function hasFile(manifest: Manifest | undefined, path: string): boolean {
  return manifest?.files.some((file) => file.path === path) ?? false;
}
