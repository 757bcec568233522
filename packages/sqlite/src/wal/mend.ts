import { closeSync, constants, copyFileSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';

import {
  addToSum,
  type ByteOrder,
  FRAME_HEADER_BYTES,
  isPageSize,
  readWalHeader,
  type Sum,
  WAL_HEADER_BYTES,
  wordsOf,
} from './format.ts';
import { type Frame, type FrameLayout, framesOf } from './frames.ts';
import { pageSizeOf, scanWal } from './scan.ts';

/** Frames that belong to a log, from its start to the last commit that can be told to be one. */
interface Content {
  readonly layout: FrameLayout;
  readonly frames: readonly Frame[];
  readonly commits: number;
}

/**
 * Copies a database whose write-ahead log is damaged in the middle (`scanWal`: `rotten`) so that SQLite reads the log to its
 * end: every frame gets a checksum that fits. What a damaged frame holds is as wrong in the copy as it was: whoever reads
 * the copy checks what it reads. Returns false, and copies nothing, for any other log.
 *
 * Only for a database that is not open in this process, see `scanWal`. Throws Node's errors.
 */
export function copyWithMendedLog(path: string, copyPath: string): boolean {
  if (scanWal(path).state !== 'rotten') return false;
  const source = openSync(`${path}-wal`, 'r');
  try {
    const content = contentOf(source, path);
    if (content === undefined) return false;
    copyFileSync(path, copyPath, constants.COPYFILE_FICLONE);
    const target = openSync(`${copyPath}-wal`, 'w', 0o600);
    try {
      writeLog(source, target, content);
    } finally {
      closeSync(target);
    }
    return true;
  } finally {
    closeSync(source);
  }
}

/** The reading of a log that makes sense of most of it: where its header is damaged, page size and byte order are guesses. */
function contentOf(source: number, path: string): Content | undefined {
  const start = Buffer.alloc(WAL_HEADER_BYTES);
  readSync(source, start, 0, start.length, 0);
  const header = readWalHeader(start);
  const orders: readonly ByteOrder[] = header.isValid ? [header.order] : ['little', 'big'];
  const sizes = header.isValid ? [header.pageBytes] : [header.pageBytes, pageSizeOf(path)].filter(isPageSize);
  const contents = orders.flatMap((order) =>
    sizes.map((pageBytes) => readContent(source, { order, pageBytes, seeds: [header.sum, header.computed[order]] })),
  );
  const best = contents.toSorted((one, other) => other.commits - one.commits)[0];
  return best === undefined || best.commits === 0 ? undefined : best;
}

function readContent(source: number, layout: FrameLayout): Content {
  const frames: Frame[] = [];
  let end = 0;
  let commits = 0;
  let salts: Pick<Frame, 'salt1' | 'salt2'> | undefined;
  let isInLog = true;
  for (const frame of framesOf(source, fstatSync(source).size, layout)) {
    if (frame.isLinked) salts ??= frame;
    const isOfGeneration = frame.salt1 === salts?.salt1 && frame.salt2 === salts.salt2;
    isInLog = isOfGeneration || (frame.isLinked && isInLog);
    frames.push(frame);
    if (!isInLog || !frame.isLinked || !frame.isCommit) continue;
    end = frames.length;
    commits += 1;
  }
  return { layout, frames: frames.slice(0, end), commits };
}

const VERSION = 3_007_000;
const MAGIC: Readonly<Record<ByteOrder, number>> = { little: 0x377f0682, big: 0x377f0683 };
const SALT = 0x4846_4d44;

function writeLog(source: number, target: number, { layout, frames }: Content): void {
  const { order, pageBytes } = layout;
  const header = Buffer.alloc(WAL_HEADER_BYTES);
  [MAGIC[order], VERSION, pageBytes, 0, SALT, SALT].forEach((word, at) => header.writeUInt32BE(word, at * 4));
  let sum = addToSum({ first: 0, second: 0 }, wordsOf(header, order), 0, 6);
  writeSum(header, 24, sum);
  writeSync(target, header);
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES + pageBytes);
  const sizes = markedSizes(source, frames);
  const mostPages = Math.max(...sizes);
  for (const [at, frame] of frames.entries()) {
    // Where a damaged frame belongs is not sure: one that names no page of the file is left out.
    if (!frame.isLinked && (frame.pageNumber === 0 || frame.pageNumber > mostPages)) continue;
    readSync(source, bytes, 0, bytes.length, frame.offset);
    bytes.writeUInt32BE(sizes[at] ?? 0, 4);
    bytes.writeUInt32BE(SALT, 8);
    bytes.writeUInt32BE(SALT, 12);
    const words = wordsOf(bytes, order);
    sum = addToSum(addToSum(sum, words, 0, 2), words, FRAME_HEADER_BYTES / 4, bytes.length / 4);
    writeSum(bytes, 16, sum);
    writeSync(target, bytes);
  }
}

/** The file's size in pages where a whole frame ends a transaction, else 0: a damaged mark ends none. */
function markedSizes(source: number, frames: readonly Frame[]): number[] {
  const mark = Buffer.alloc(4);
  return frames.map((frame) => {
    if (!frame.isLinked || !frame.isCommit) return 0;
    readSync(source, mark, 0, 4, frame.offset + 4);
    return mark.readUInt32BE(0);
  });
}

function writeSum(bytes: Buffer, offset: number, { first, second }: Sum): void {
  bytes.writeInt32BE(first, offset);
  bytes.writeInt32BE(second, offset + 4);
}
