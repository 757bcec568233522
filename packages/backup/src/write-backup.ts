import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { HoldfastError, isHoldfastError } from '@holdfast/protocol';
import { freeBytesIn, isDamage } from '@holdfast/sqlite';

import { backupIds, writeManifest } from './archive.ts';
import { type ChunkWriter, writeChunks } from './chunks.ts';
import { fileFailure } from './durable-file.ts';
import { type Facts, readFacts } from './facts.ts';
import { agentOf, BACKUP_FORMAT, type BackupFile, CHUNK_BYTES, kindOf, type Manifest } from './manifest.ts';
import type { BackupSource, SourceFile } from './source.ts';

/** Codes that mean there is nothing to copy. */
const NOTHING_TO_COPY: ReadonlySet<string> = new Set(['file-damaged', 'agent-restoring']);

/** Chunks under way to the disk at a time: waiting for it takes longest. */
const CHUNKS_AT_ONCE = 4;

/** How a backup is made. */
export interface WriteOptions {
  readonly source: BackupSource;
  /** Version of this program. */
  readonly version: string;
  /** When it is begun: its name. */
  readonly beganMs: number;
  /** Free space that is left to others. */
  readonly reserveBytes: number;
  readonly signal: AbortSignal;
  /** A file was done, `bytes` long. */
  readonly onFile: (bytes: number) => void;
}

/**
 * Makes a backup in a claimed directory: copies each file, stores what is new of it, and writes the manifest last. Cut
 * short at any point it leaves no backup, only chunks that the next `prune` removes.
 *
 * Throws `disk-full`, `storage-failed`, `storage-read-only`, and the signal's reason.
 */
export async function writeBackup(directory: string, options: WriteOptions): Promise<Manifest> {
  const { source, version, beganMs } = options;
  const id = await freeId(directory, beganMs);
  const writing: Writing = { directory, options, chunks: writeChunks(directory), files: [], missing: [], node: null };
  try {
    for (const file of source.files()) await addFile(writing, file);
    await writing.chunks.finish();
    const manifest: Manifest = {
      format: BACKUP_FORMAT,
      id,
      service: source.service,
      node: writing.node,
      holdfast: version,
      made_at: timeOf(id),
      files: writing.files,
      missing: writing.missing,
      new_bytes: writing.chunks.newBytes,
    };
    await writeManifest(directory, manifest);
    return manifest;
  } catch (error) {
    throw fileFailure(error, `cannot write to ${directory}`);
  }
}

interface Writing {
  readonly directory: string;
  readonly options: WriteOptions;
  readonly chunks: ChunkWriter;
  readonly files: BackupFile[];
  readonly missing: Manifest['missing'][number][];
  node: string | null;
}

/** Does `work` with an empty directory inside the archive, for one file at a time, and removes it. */
export async function inScratch<Result>(
  directory: string,
  work: (scratch: string) => Promise<Result>,
): Promise<Result> {
  const scratch = join(directory, 'scratch');
  const clear = (): Promise<void> => rm(scratch, { recursive: true, force: true });
  await clear();
  await mkdir(scratch, { mode: 0o700 });
  try {
    return await work(scratch);
  } finally {
    await clear();
  }
}

async function addFile(writing: Writing, file: SourceFile): Promise<void> {
  const { directory, options } = writing;
  options.signal.throwIfAborted();
  assertRoom(directory, file.bytes + options.reserveBytes);
  await inScratch(directory, async (scratch) => {
    const copy = join(scratch, 'copy');
    const facts = await copyFile(writing, file, copy);
    if (facts === undefined) return;
    writing.node ??= facts.node;
    const stored = await storeFile(writing, file.path, copy);
    writing.files.push({ ...stored, schema: facts.schema, stream: facts.stream });
    options.onFile(stored.bytes);
  });
}

/** Copies a file and says what is in it; undefined for an agent's file that cannot be had, which is noted. */
async function copyFile(writing: Writing, file: SourceFile, copy: string): Promise<Facts | undefined> {
  const kind = kindOf(file.path);
  if (kind === undefined) throw new Error(`a backup has no ${file.path}`);
  const agent = agentOf(file.path);
  try {
    await file.copyTo(copy, () => writing.options.signal.throwIfAborted());
    return readFacts(copy, kind);
  } catch (error) {
    const isGone = isDamage(error) || (isHoldfastError(error) && NOTHING_TO_COPY.has(error.code));
    if (!isGone || agent === undefined) throw error;
    writing.missing.push({ agent, reason: isHoldfastError(error) ? error.code : 'file-damaged' });
    return undefined;
  }
}

async function storeFile(
  { chunks, options }: Writing,
  path: string,
  copy: string,
): Promise<Pick<BackupFile, 'path' | 'bytes' | 'sha256' | 'chunks'>> {
  const whole = createHash('sha256');
  const stored: Promise<string>[] = [];
  let bytes = 0;
  const file = await open(copy, 'r');
  try {
    for await (const chunk of chunksOf(file)) {
      options.signal.throwIfAborted();
      whole.update(chunk);
      bytes += chunk.length;
      const put = chunks.put(chunk);
      // Its failure is thrown below, when its turn comes.
      put.catch(() => undefined);
      stored.push(put);
      await stored.at(-CHUNKS_AT_ONCE);
    }
    return { path, bytes, sha256: whole.digest('hex'), chunks: await Promise.all(stored) };
  } finally {
    // Nothing may be on its way to the disk any more when the failure of one is told.
    await Promise.allSettled(stored);
    await file.close();
  }
}

/** The file in pieces of `CHUNK_BYTES`. */
async function* chunksOf(file: FileHandle): AsyncGenerator<Uint8Array> {
  for (;;) {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    let filled = 0;
    while (filled < CHUNK_BYTES) {
      const { bytesRead } = await file.read(chunk, filled, CHUNK_BYTES - filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    if (filled > 0) yield chunk.subarray(0, filled);
    if (filled < CHUNK_BYTES) return;
  }
}

/** Throws `disk-full` unless so much is free. */
export function assertRoom(directory: string, neededBytes: number): void {
  const freeBytes = freeBytesIn(directory);
  if (freeBytes === undefined || freeBytes >= neededBytes) return;
  throw new HoldfastError('disk-full', `${directory} has ${freeBytes} bytes free; ${neededBytes} are needed`);
}

/** The name of a backup begun now; a second later for each that has the name already. */
async function freeId(directory: string, beganMs: number): Promise<string> {
  const taken = new Set(await backupIds(directory));
  let ms = beganMs;
  while (taken.has(idOf(ms))) ms += 1000;
  return idOf(ms);
}

function idOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replaceAll(':', '-')}Z`;
}

/** The time in a backup's name, as RFC 3339 has it. */
export function timeOf(id: string): string {
  const [date = '', time = ''] = id.slice(0, 19).split('T');
  return `${date}T${time.replaceAll('-', ':')}.000Z`;
}
