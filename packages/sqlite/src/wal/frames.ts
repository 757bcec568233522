import { readSync } from 'node:fs';

import {
  addToSum,
  type ByteOrder,
  FRAME_HEADER_BYTES,
  isSameSum,
  type Sum,
  sumAt,
  takeFromSum,
  WAL_HEADER_BYTES,
  wordsOf,
} from './format.ts';

/** How much of a log is read at once, in bytes. */
const CHUNK_BYTES = 1_048_576;

/** The least a disk writes whole. */
const SECTOR_BYTES = 512;

/** Where in a frame its commit mark ends. */
const MARK_END = 8;

/** How the frames of a log are to be read. */
export interface FrameLayout {
  readonly order: ByteOrder;
  readonly pageBytes: number;
  /** What the first frame's checksum may go on from. */
  readonly seeds: readonly Sum[];
}

/** A whole frame of a log, whether it makes sense or not. */
export interface Frame {
  /** Where in the file it begins, in bytes. */
  readonly offset: number;
  readonly pageNumber: number;
  readonly salt1: number;
  readonly salt2: number;
  /** Whether its checksum goes on from that of the frame before it: the two were written one after the other. */
  readonly isLinked: boolean;
  /** Whether it ends a transaction. A damaged mark is read from the checksum where that tells it. */
  readonly isCommit: boolean;
}

/** Reads every whole frame of a log, one after the other, from a file of `fileBytes`. */
export function* framesOf(file: number, fileBytes: number, layout: FrameLayout): Generator<Frame> {
  const frameBytes = FRAME_HEADER_BYTES + layout.pageBytes;
  const chunkFrames = Math.max(1, Math.floor(Math.min(CHUNK_BYTES, fileBytes) / frameBytes));
  const chunk = Buffer.allocUnsafeSlow(chunkFrames * frameBytes);
  let seeds = layout.seeds;
  let position = WAL_HEADER_BYTES;
  while (position + frameBytes <= fileBytes) {
    const read = readSync(file, chunk, 0, chunk.length, position);
    const words = wordsOf(chunk, layout.order);
    const wholeBytes = read - (read % frameBytes);
    if (wholeBytes === 0) return;
    for (let at = 0; at < wholeBytes; at += frameBytes) {
      const offset = position + at;
      const stored = sumAt(chunk, at + 16);
      const linked = checkLink({ words, from: at / 4, to: (at + frameBytes) / 4, stored, seeds, offset });
      yield {
        offset,
        pageNumber: chunk.readUInt32BE(at),
        salt1: chunk.readUInt32BE(at + 8),
        salt2: chunk.readUInt32BE(at + 12),
        isLinked: linked.isLinked,
        isCommit: linked.isCommit,
      };
      seeds = linked.seeds;
    }
    position += wholeBytes;
  }
}

interface Span {
  readonly words: Int32Array;
  readonly from: number;
  readonly to: number;
  readonly stored: Sum;
  readonly seeds: readonly Sum[];
  /** Where in the file. */
  readonly offset: number;
}

interface Link {
  readonly isLinked: boolean;
  readonly isCommit: boolean;
  /** What the next frame may go on from. */
  readonly seeds: readonly Sum[];
}

function checkLink(span: Span): Link {
  const { words, from, to, stored, seeds } = span;
  const dataFrom = from + FRAME_HEADER_BYTES / 4;
  const sums = seeds.map((seed) => addToSum(addToSum(seed, words, from, from + 2), words, dataFrom, to));
  const isLinked = sums.some((sum) => isSameSum(sum, stored));
  if (isLinked) return { isLinked, isCommit: words[from + 1] !== 0, seeds: [stored] };
  // After a broken frame the next one goes on from what is stored there, or, where that is the broken part, from what
  // the frame's bytes give.
  return { isLinked, isCommit: isCommitOf(span, dataFrom), seeds: [stored, ...sums.slice(0, 1)] };
}

/**
 * Whether a broken frame ends a transaction: its mark, the size of the database in pages, is not 0. The checksum is
 * linear, so a whole page and a whole checksum give back the page number and mark they were made with. That shows a mark
 * whose only bit was flipped away, and one that is a remainder of older bytes because a crash kept a frame from the
 * sector behind its mark on. It is not asked for more: flips in the high bits of a page give marks by chance.
 */
function isCommitOf({ words, from, to, stored, seeds, offset }: Span, dataFrom: number): boolean {
  const mark = words[from + 1] ?? 0;
  const isSplit = (offset + MARK_END) % SECTOR_BYTES === 0;
  if (mark !== 0 && !isSplit) return true;
  const after = takeFromSum(stored, words, dataFrom, to);
  const written = seeds.map((seed) => {
    const pageNumber = (after.first - seed.first - seed.second) | 0;
    return { pageNumber, mark: (after.second - seed.second - after.first) | 0 };
  });
  if (mark !== 0) return written.every((head) => head.mark !== 0);
  return written.some((head) => head.pageNumber === words[from] && isOneBit(head.mark));
}

function isOneBit(word: number): boolean {
  return word !== 0 && (word & (word - 1)) === 0;
}
