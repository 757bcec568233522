import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { HoldfastError } from '@holdfast/protocol';
import { type DirectoryLock, ensureUsableDirectory, lockDirectory } from '@holdfast/sqlite';
import { z } from 'zod';

import { fileFailure, isMissing, writeDurably } from './durable-file.ts';
import { BACKUP_FORMAT, BACKUP_ID, type Manifest, manifestSchema } from './manifest.ts';
import { contentOf, type Sealed, sealedText, unseal } from './sealed.ts';

/** Tells a directory of backups from any other, and whose they are. */
const MARK = 'holdfast-backups.json';
const markSchema = z.object({ format: z.literal(BACKUP_FORMAT), owner: z.string().max(100) });

/** What may stand in a directory of backups whose mark is not there: it was being made, or the mark was removed. */
const OWN_NAMES =
  /^(lock\.db.*|holdfast-backups\.json\.new|chunks|scratch|\d{4}-\d\d-\d\dT[\w-]+(\.verdict)?\.json(\.new)?)$/;

/** Whether a backup could be restored when that was tried last. */
export interface Verdict {
  /** Seal of the manifest that was tried. */
  readonly manifest: string;
  readonly at: string;
  /** What was wrong; empty if it could. */
  readonly problems: readonly string[];
  /** What had rotted of a relay's records before it was made. */
  readonly damaged_records: readonly string[];
}

const verdictSchema: z.ZodType<Verdict> = z.object({
  manifest: z.string(),
  at: z.iso.datetime(),
  problems: z.array(z.string()),
  // Verdicts of earlier versions have none.
  damaged_records: z.array(z.string()).default([]),
});

/** A backup in the archive. */
export interface StoredBackup {
  readonly id: string;
  /** Undefined when it cannot be read: damaged, or of a newer version. */
  readonly manifest: Manifest | undefined;
  /** Null when it was not verified, or was found damaged. */
  readonly verifiedAt: string | null;
  /** What had rotted of a relay's records before it was made, as far as it was verified. */
  readonly damagedRecords: readonly string[];
}

/** Where backups are to go. */
export interface ArchivePlace {
  /** Made if it is not there. */
  readonly directory: string;
  /** Whether it is outside the data directory, where another node's backups may be. */
  readonly isShared: boolean;
}

/**
 * Makes a directory one of backups, or makes sure that it is one and its backups are `owner`'s, and takes it for this
 * process. One in the data directory is its service's, whatever it is called by now. Throws `directory-unsafe` for a
 * directory that holds something else or another's backups, and `work-under-way` when another process works in it.
 */
export async function claimArchive({ directory, isShared }: ArchivePlace, owner: string): Promise<DirectoryLock> {
  ensureUsableDirectory(directory);
  await ownerOf(directory);
  const lock = takeLock(directory);
  try {
    const known = await ownerOf(directory);
    if (isShared && known !== undefined && known !== owner) {
      throw new HoldfastError('directory-unsafe', `${directory} holds the backups of another node or relay`);
    }
    await mkdir(join(directory, 'chunks'), { recursive: true, mode: 0o700 });
    if (known !== owner) await writeDurably(join(directory, MARK), sealedText({ format: BACKUP_FORMAT, owner }));
    return lock;
  } catch (error) {
    lock.release();
    throw fileFailure(error, `cannot use ${directory}`);
  }
}

function takeLock(directory: string): DirectoryLock {
  try {
    return lockDirectory(directory);
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'directory-locked') throw error;
    throw new HoldfastError('work-under-way', `another process works in ${directory}`, { cause: error });
  }
}

/** Whose backups a directory holds; undefined if nobody's yet. Throws `directory-unsafe` for what is no such directory. */
async function ownerOf(directory: string): Promise<string | undefined> {
  const text = await readText(join(directory, MARK));
  if (text === undefined) {
    const isForeign = (await readdir(directory)).some((name) => !OWN_NAMES.test(name));
    if (isForeign) throw new HoldfastError('directory-unsafe', `${directory} holds other things than backups`);
    return undefined;
  }
  const mark = unseal(text, markSchema);
  if (mark === undefined) throw markDamaged(directory);
  return mark.content.owner;
}

function markDamaged(directory: string): HoldfastError {
  const detail = `${join(directory, MARK)} is not what was written; removed, it is written anew with the next backup`;
  return new HoldfastError('backup-damaged', detail);
}

/** Throws `backup-not-found` unless a directory is one of backups; it is not looked at whose. */
export async function assertArchive(directory: string): Promise<void> {
  const isOne = (await readText(join(directory, MARK))) !== undefined || (await backupIds(directory)).length > 0;
  if (!isOne) throw new HoldfastError('backup-not-found', `${directory} is no directory of backups`);
}

/** Throws `backup-damaged` when what marks a directory as one of backups is not what was written. */
export async function assertMark(directory: string): Promise<void> {
  const text = await readText(join(directory, MARK));
  if (text !== undefined && unseal(text, markSchema) === undefined) throw markDamaged(directory);
}

/** The ids of all backups, newest first; none when there is no such directory. */
export async function backupIds(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw fileFailure(error, `cannot read ${directory}`);
  });
  const ids = names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length));
  return ids
    .filter((id) => BACKUP_ID.test(id))
    .toSorted()
    .toReversed();
}

/**
 * Reads a backup's manifest and makes sure that it is what was written. Throws `backup-not-found`, `backup-damaged`, and
 * `schema-newer` for a form this version does not know.
 */
export async function readManifest(directory: string, id: string): Promise<Sealed<Manifest>> {
  const text = BACKUP_ID.test(id) ? await readText(manifestPath(directory, id)) : undefined;
  if (text === undefined) throw new HoldfastError('backup-not-found', `there is no backup "${id}" in ${directory}`);
  const sealed = unseal(text, manifestSchema);
  if (sealed?.content.id === id) return sealed;
  if (isNewer(contentOf(text))) {
    throw new HoldfastError('schema-newer', `backup ${id} has a newer form than ${BACKUP_FORMAT}`);
  }
  throw new HoldfastError('backup-damaged', `${manifestPath(directory, id)} is not what was written`);
}

function isNewer(content: unknown): boolean {
  if (typeof content !== 'object' || content === null || !('format' in content)) return false;
  return typeof content.format === 'number' && content.format > BACKUP_FORMAT;
}

/** Writes a backup's manifest: from then on the backup is there. */
export async function writeManifest(directory: string, manifest: Manifest): Promise<void> {
  await writeDurably(manifestPath(directory, manifest.id), sealedText(manifest));
}

/** Notes what came of verifying a backup. */
export async function writeVerdict(directory: string, id: string, verdict: Verdict): Promise<void> {
  await writeDurably(verdictPath(directory, id), sealedText(verdict));
}

/** All backups, newest first. */
export async function listBackups(directory: string): Promise<StoredBackup[]> {
  return Promise.all((await backupIds(directory)).map((id) => describe(directory, id)));
}

async function describe(directory: string, id: string): Promise<StoredBackup> {
  try {
    const { content: manifest, seal } = await readManifest(directory, id);
    const text = await readText(verdictPath(directory, id));
    const verdict = text === undefined ? undefined : unseal(text, verdictSchema)?.content;
    if (verdict?.manifest !== seal) return { id, manifest, verifiedAt: null, damagedRecords: [] };
    const verifiedAt = verdict.problems.length === 0 ? verdict.at : null;
    return { id, manifest, verifiedAt, damagedRecords: verdict.damaged_records };
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return { id, manifest: undefined, verifiedAt: null, damagedRecords: [] };
  }
}

/** Where a backup's manifest stands. */
export function manifestPath(directory: string, id: string): string {
  return join(directory, `${id}.json`);
}

/** Where it stands what came of verifying a backup. */
export function verdictPath(directory: string, id: string): string {
  return join(directory, `${id}.verdict.json`);
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw fileFailure(error, `cannot read ${path}`);
  }
}
