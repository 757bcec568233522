import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { agentPath } from './manifest.ts';
import { listBackups, manifestPath, type StoredBackup, verdictPath } from './archive.ts';
import { keepChunks } from './chunks.ts';
import { fileFailure, syncDirectory } from './durable-file.ts';
import { hasFile } from './extract.ts';

/** What is left after pruning. */
export interface Pruned {
  readonly removed: readonly string[];
  /** What all chunks take on the disk; null if they were left alone. */
  readonly keptBytes: number | null;
}

/**
 * Removes backups beyond the newest `keep` verified ones, and chunks no backup needs; the directory must be claimed. An
 * agent that no kept backup has any more keeps the last one that has it. While a kept manifest cannot be read, its chunks
 * are not known: none is removed.
 *
 * A crash leaves chunks nobody needs, which the next prune removes. Throws `storage-failed`.
 */
export async function prune(directory: string, keep: number): Promise<Pruned> {
  try {
    await removeUnfinished(directory);
    const backups = await listBackups(directory);
    const kept = keptOf(backups, keep);
    const removed = backups.filter((backup) => !kept.has(backup)).map(({ id }) => id);
    for (const id of removed) {
      await rm(verdictPath(directory, id), { force: true });
      await rm(manifestPath(directory, id), { force: true });
    }
    // Before their chunks: a backup that is there is whole.
    await syncDirectory(directory);
    return { removed, keptBytes: await removeChunks(directory, kept) };
  } catch (error) {
    throw fileFailure(error, `cannot prune ${directory}`);
  }
}

/** Removes what a write of a small file that was cut short left. */
async function removeUnfinished(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (name.endsWith('.json.new')) await rm(join(directory, name), { force: true });
  }
}

async function removeChunks(directory: string, kept: ReadonlySet<StoredBackup>): Promise<number | null> {
  const needed = new Set<string>();
  for (const { manifest } of kept) {
    if (manifest === undefined) return null;
    for (const file of manifest.files) for (const hash of file.chunks) needed.add(hash);
  }
  return keepChunks(directory, needed);
}

/** The newest verified ones, as many unverified ones at most that are newer than those, and what else is needed. */
function keptOf(backups: readonly StoredBackup[], keep: number): ReadonlySet<StoredBackup> {
  const verified = backups.filter(({ verifiedAt }) => verifiedAt !== null).slice(0, keep);
  const oldest = verified.length === keep ? (verified.at(-1)?.id ?? '') : '';
  const unverified = backups.filter(({ id, verifiedAt }) => verifiedAt === null && id > oldest).slice(0, keep);
  return new Set([...verified, ...unverified, ...lastOfMissing(backups, verified)]);
}

function lastOfMissing(backups: readonly StoredBackup[], kept: readonly StoredBackup[]): StoredBackup[] {
  const missing = new Set(kept.flatMap(({ manifest }) => manifest?.missing.map(({ agent }) => agent) ?? []));
  const lost = [...missing].filter((agent) => !kept.some(({ manifest }) => hasFile(manifest, agentPath(agent))));
  return lost.flatMap((agent) => {
    const having = backups.filter(({ manifest }) => hasFile(manifest, agentPath(agent)));
    return having.find(({ verifiedAt }) => verifiedAt !== null) ?? having[0] ?? [];
  });
}
