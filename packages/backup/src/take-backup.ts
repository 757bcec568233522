import { type ArchivePlace, claimArchive, readManifest, writeVerdict } from './archive.ts';
import type { Manifest } from './manifest.ts';
import { prune, type Pruned } from './prune.ts';
import type { BackupSource } from './source.ts';
import { type Findings, verifyBackup } from './verify.ts';
import { assertRoom, inScratch, writeBackup } from './write-backup.ts';

/** How a backup is taken. */
export interface TakeOptions extends ArchivePlace {
  readonly source: BackupSource;
  /** Version of this program. */
  readonly version: string;
  readonly now: () => number;
  /** Free space that is left to others. */
  readonly reserveBytes: number;
  /** Verified backups kept. */
  readonly keep: number;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: BackupProgress) => void;
}

/** How far a backup is. */
export interface BackupProgress {
  readonly phase: 'copying' | 'verifying';
  readonly filesDone: number;
  readonly filesTotal: number;
  readonly bytesDone: number;
}

/** What came of taking a backup. */
export interface Taken extends Pruned {
  readonly manifest: Manifest;
  readonly verifiedAt: string | null;
  /** What was wrong when it was restored; empty if it was verified. */
  readonly problems: readonly string[];
  /** What had rotted of a relay's records before it was made. */
  readonly damagedRecords: readonly string[];
}

/**
 * Takes a backup, verifies it by restoring it, and removes those there are too many of. One that cannot be restored stays,
 * unverified, with what is wrong noted. When that is an agent's file that turns out to be damaged itself, or one that was
 * exchanged meanwhile, another one is taken at once: without the agent whose file is damaged.
 *
 * Throws `directory-unsafe`, `work-under-way`, `disk-full`, `storage-failed`, `storage-read-only`, and the signal's reason; no
 * backup is there then, and no room is taken, or an unverified one.
 */
export async function takeBackup(options: TakeOptions): Promise<Taken> {
  const { directory, source, keep } = options;
  const lock = await claimArchive(options, source.owner);
  try {
    const first = await attempt(options);
    const { manifest, verifiedAt, found } = (await isWorthAnother(options, first)) ? await attempt(options) : first;
    const pruned = await prune(directory, keep);
    const { problems, damagedRecords } = found;
    return { ...pruned, manifest, problems, damagedRecords, verifiedAt };
  } catch (error) {
    // Gives back the room that what was begun takes. If that fails too, the next prune does it.
    await prune(directory, keep).catch(() => undefined);
    throw error;
  } finally {
    lock.release();
  }
}

interface Attempt {
  readonly manifest: Manifest;
  readonly verifiedAt: string | null;
  readonly found: Findings;
}

async function attempt(options: TakeOptions): Promise<Attempt> {
  const manifest = await written(options);
  return { manifest, ...(await verified(options, manifest)) };
}

async function isWorthAnother({ source, signal }: TakeOptions, { found }: Attempt): Promise<boolean> {
  let isOtherNow = found.exchangedAgents.length > 0;
  for (const agent of found.damagedAgents) {
    if (await source.lookAgain?.(agent, signal)) isOtherNow = true;
  }
  return isOtherNow;
}

function written({
  directory,
  source,
  version,
  now,
  reserveBytes,
  signal,
  onProgress,
}: TakeOptions): Promise<Manifest> {
  const filesTotal = source.files().length;
  const onFile = counter('copying', filesTotal, onProgress);
  return writeBackup(directory, { source, version, beganMs: now(), reserveBytes, signal, onFile });
}

async function verified(options: TakeOptions, { id }: Manifest): Promise<Omit<Attempt, 'manifest'>> {
  const { directory, now, reserveBytes, signal, onProgress } = options;
  const { content: manifest, seal } = await readManifest(directory, id);
  const largest = Math.max(0, ...manifest.files.map(({ bytes }) => bytes));
  assertRoom(directory, largest + reserveBytes);
  const onFile = counter('verifying', manifest.files.length, onProgress);
  const found = await inScratch(directory, (scratch) => verifyBackup(directory, manifest, { scratch, signal, onFile }));
  const at = new Date(now()).toISOString();
  const { problems, damagedRecords } = found;
  await writeVerdict(directory, id, { manifest: seal, at, problems, damaged_records: damagedRecords });
  return { found, verifiedAt: problems.length === 0 ? at : null };
}

function counter(
  phase: BackupProgress['phase'],
  filesTotal: number,
  onProgress: TakeOptions['onProgress'],
): (bytes: number) => void {
  let filesDone = 0;
  let bytesDone = 0;
  const tell = (): void => onProgress({ phase, filesDone, filesTotal, bytesDone });
  tell();
  return (bytes) => {
    filesDone += 1;
    bytesDone += bytes;
    tell();
  };
}
