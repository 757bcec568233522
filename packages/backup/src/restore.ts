import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { HoldfastError, isHoldfastError } from '@holdfast/protocol';

import { assertArchive, listBackups, readManifest } from './archive.ts';
import { fileFailure, syncDirectory, writeDurably } from './durable-file.ts';
import { extractFile, newestGood } from './extract.ts';
import { unsentIn } from './facts.ts';
import { kindOf, type Manifest, type ServiceKind } from './manifest.ts';
import { giveToOwner } from './owner.ts';
import { sealedText } from './sealed.ts';
import { newPath, planPath, type RestorePlan, restoringPath, settleRestore } from './settle-restore.ts';
import { checkRestored } from './verify.ts';
import { assertRoom } from './write-backup.ts';

/** The newest schema this program knows of each database. */
export type KnownSchemas = Readonly<Record<'node' | 'relay' | 'agent', number>>;

/** What is to be restored, and where. */
export interface RestoreRequest {
  /** The directory of backups. */
  readonly from: string;
  /** Which one; undefined: the newest verified one of the service, else its newest. */
  readonly id: string | undefined;
  readonly service: ServiceKind;
  /** The data directory; locked by the caller. */
  readonly directory: string;
  readonly schemas: KnownSchemas;
  readonly onFile: (done: number, total: number) => void;
}

/** What was restored. */
export interface Restored {
  readonly manifest: Manifest;
  /** Where the data is now that was there before; null if there was none. */
  readonly replaced: string | null;
  /** Changes in the data that was there before which were never sent to its relay, as far as they can be counted. */
  readonly unsent: number;
  /** What had rotted of a relay's records before the backup was made. */
  readonly damagedRecords: readonly string[];
}

/** What belongs to a service in its data directory. All else there stays where it is. */
const belongings: Readonly<Record<ServiceKind, readonly string[]>> = {
  // Cached values are of the data that goes.
  node: ['node.db', 'node.db-wal', 'node.db-shm', 'cache.db', 'cache.db-wal', 'cache.db-shm', 'agents', 'admin.token'],
  relay: ['relay.db', 'relay.db-wal', 'relay.db-shm', 'relay.epoch', 'admin.token'],
};

/**
 * Puts a data directory back to a backup. The new files are made complete beside the old ones and checked; then the old
 * ones go to `replaced-<time>` in the data directory and the new ones into their places, by renames alone. Cut short, it has
 * either changed nothing, or `settleRestore` finishes it. Nothing is deleted.
 *
 * Throws `backup-not-found`, `backup-damaged`, `schema-newer`, `disk-full`, `storage-failed`: the data is then as it was. When
 * the newest backup cannot be read and an older one was verified, the error has the id of that one as `older_backup`.
 */
export async function restoreService(request: RestoreRequest): Promise<Restored> {
  const { directory } = request;
  settleRestore(directory);
  const manifest = await chooseBackup(request);
  assertKnown(manifest, request.schemas);
  const damagedRecords: string[] = [];
  try {
    damagedRecords.push(...(await assembleBeside(request, manifest)));
    for (const made of [join(directory, 'lock.db'), restoringPath(directory)]) giveToOwner(made, directory);
    await writeDurably(planPath(directory), sealedText(await planOf(request, manifest)));
  } catch (error) {
    if (!existsSync(planPath(directory))) {
      settleRestore(directory);
      throw fileFailure(error, `cannot restore ${directory}`);
    }
  }
  // The plan is there: whoever comes next carries it out.
  const settled = settleRestore(directory);
  if (settled.state !== 'finished') throw new Error('a restore that was decided was undone');
  const replaced = existsSync(settled.replaced) ? settled.replaced : null;
  return { manifest, damagedRecords, replaced, unsent: replaced === null ? 0 : unsentIn(replaced) };
}

async function chooseBackup({ from, id, service }: RestoreRequest): Promise<Manifest> {
  await assertArchive(from);
  const chosen = id ?? (await newestOf(from, service));
  if (chosen === undefined) throw new HoldfastError('backup-not-found', `${from} has no backup of a ${service}`);
  const { content } = await readManifest(from, chosen);
  if (content.service === service) return content;
  throw new HoldfastError('backup-not-found', `backup ${chosen} in ${from} is one of a ${content.service}`);
}

/** One whose manifest cannot be read is named before an older one is taken in its place: that is for a person to decide. */
async function newestOf(from: string, service: ServiceKind): Promise<string | undefined> {
  const backups = await listBackups(from);
  const good = newestGood(backups.filter(({ manifest }) => manifest?.service === service));
  const unreadable = backups.find(({ id, manifest }) => manifest === undefined && id > (good?.id ?? ''));
  if (unreadable !== undefined && good?.verifiedAt) await refuseUnreadable(from, unreadable.id, good.id);
  return (unreadable ?? good)?.id;
}

async function refuseUnreadable(from: string, id: string, olderId: string): Promise<void> {
  try {
    await readManifest(from, id);
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    throw new HoldfastError(error.code, error.message, { cause: error, extensions: { older_backup: olderId } });
  }
}

function assertKnown({ id, files }: Manifest, schemas: KnownSchemas): void {
  for (const { path, schema } of files) {
    const kind = kindOf(path);
    if (kind === undefined || kind === 'secret' || (schema ?? 0) <= schemas[kind]) continue;
    throw new HoldfastError(
      'schema-newer',
      `${path} in backup ${id} has schema ${schema}; this version knows ${schemas[kind]}`,
    );
  }
}

/** Gives what had rotted of a relay's records before the backup was made. */
async function assembleBeside({ from, directory, onFile }: RestoreRequest, { files }: Manifest): Promise<string[]> {
  const rotted: string[] = [];
  assertRoom(
    directory,
    files.reduce((sum, { bytes }) => sum + bytes, 0),
  );
  const beside = newPath(directory);
  await mkdir(beside, { recursive: true, mode: 0o700 });
  if (files.some(({ path }) => path === 'node.db')) await mkdir(join(beside, 'agents'), { mode: 0o700 });
  for (const [index, file] of files.entries()) {
    const path = join(beside, file.path);
    await extractFile(from, file, path);
    const { problems, damagedRecords } = await checkRestored(path, file);
    if (problems[0] !== undefined) throw new HoldfastError('backup-damaged', problems[0]);
    rotted.push(...damagedRecords);
    onFile(index + 1, files.length);
  }
  for (const folder of new Set(files.map(({ path }) => dirname(path)))) await syncDirectory(join(beside, folder));
  for (const folder of [beside, restoringPath(directory), directory]) await syncDirectory(folder);
  return rotted;
}

async function planOf({ directory, service }: RestoreRequest, { id }: Manifest): Promise<RestorePlan> {
  const there = new Set(await readdir(directory));
  const place = await readdir(newPath(directory));
  const setAside = belongings[service].filter((name) => there.has(name));
  return { backup: id, replaced: freeName(there), setAside, place };
}

function freeName(taken: ReadonlySet<string>): string {
  const name = `replaced-${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}Z`;
  let free = name;
  for (let count = 2; taken.has(free); count += 1) free = `${name}-${count}`;
  return free;
}
