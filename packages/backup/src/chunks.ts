import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';

import { HoldfastError } from '@holdfast/protocol';

import { fileFailure, isMissing, syncDirectory, writeWhole } from './durable-file.ts';
import { CHUNK_BYTES } from './manifest.ts';
import { sha256 } from './sealed.ts';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** Puts chunks into a directory of backups. */
export interface ChunkWriter {
  /** Stores a chunk unless it is there already, and gives the hash it is found by. */
  put(content: Uint8Array): Promise<string>;
  /** What the chunks that were new take on the disk. */
  readonly newBytes: number;
  /** Makes all that was put durable. */
  finish(): Promise<void>;
}

/** Begins to put chunks into a directory of backups. */
export function writeChunks(directory: string): ChunkWriter {
  const folders = new Set<string>();
  // Pages given back are all zeros, so that one chunk may come several times in a row.
  const underWay = new Map<string, Promise<void>>();
  let newBytes = 0;
  const store = async (path: string, content: Uint8Array): Promise<void> => {
    folders.add(dirname(path));
    if (await isWhole(path, content)) return;
    const stored = await compress(content);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeWhole(path, stored);
    newBytes += stored.length;
  };
  return {
    put: async (content) => {
      const hash = sha256(content);
      const path = chunkPath(directory, hash);
      const storing = underWay.get(hash) ?? store(path, content).finally(() => underWay.delete(hash));
      underWay.set(hash, storing);
      await storing;
      return hash;
    },
    get newBytes() {
      return newBytes;
    },
    finish: async () => {
      for (const folder of folders) await syncDirectory(folder);
      await syncDirectory(join(directory, 'chunks'));
    },
  };
}

/** Whether the chunk is there and unharmed: one that rotted is written anew, which mends the older backups too. */
async function isWhole(path: string, content: Uint8Array): Promise<boolean> {
  try {
    return (await unpack(path)).equals(content);
  } catch {
    return false;
  }
}

/** Reads a chunk and makes sure that it is what was stored. Throws `backup-damaged` naming it. */
export async function readChunk(directory: string, hash: string): Promise<Buffer> {
  const path = chunkPath(directory, hash);
  const content = await unpack(path).catch((error: unknown) => {
    if (isMissing(error)) throw new HoldfastError('backup-damaged', `${path} is not there`);
    const isTorn = error instanceof Error && 'code' in error && /^(ZSTD|ERR|Z)_/.test(String(error.code));
    throw isTorn ? damaged(path) : fileFailure(error, `cannot read ${path}`);
  });
  if (sha256(content) !== hash) throw damaged(path);
  return content;
}

async function unpack(path: string): Promise<Buffer> {
  return decompress(await readFile(path), { maxOutputLength: CHUNK_BYTES });
}

/** Removes every chunk whose hash is not listed, and what a write cut short left; gives how many bytes the others take. */
export async function keepChunks(directory: string, hashes: ReadonlySet<string>): Promise<number> {
  let keptBytes = 0;
  for (const folder of await foldersIn(join(directory, 'chunks'))) {
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      if (hashes.has(name)) keptBytes += (await stat(path)).size;
      else await rm(path, { force: true });
    }
  }
  return keptBytes;
}

/** What all chunks in a directory of backups take on the disk; 0 when there is no such directory. */
export async function chunkBytes(directory: string): Promise<number> {
  const chunks = join(directory, 'chunks');
  if (!existsSync(chunks)) return 0;
  let bytes = 0;
  for (const folder of await foldersIn(chunks)) {
    for (const name of await readdir(folder)) bytes += (await stat(join(folder, name))).size;
  }
  return bytes;
}

async function foldersIn(chunks: string): Promise<string[]> {
  const entries = await readdir(chunks, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && /^[0-9a-f]{2}$/.test(entry.name))
    .map(({ name }) => join(chunks, name));
}

function chunkPath(directory: string, hash: string): string {
  return join(directory, 'chunks', hash.slice(0, 2), hash);
}

function damaged(path: string): HoldfastError {
  return new HoldfastError('backup-damaged', `${path} is not what was stored`);
}
