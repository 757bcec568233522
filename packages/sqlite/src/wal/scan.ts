import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';

import {
  type ByteOrder,
  FRAME_HEADER_BYTES,
  isPageSize,
  readWalHeader,
  WAL_HEADER_BYTES,
  type WalHeader,
} from './format.ts';
import { type Frame, framesOf } from './frames.ts';

/**
 * What a write-ahead log looks like.
 *
 * - `absent`: there is none. `empty`: it holds no frame.
 * - `intact`: everything written to it can be read.
 * - `torn`: it ends in a transaction that never got its commit mark, or simply ends: what a crash leaves.
 * - `suspect`: its last transaction has a commit mark and cannot be read, or something stands there that no writer left.
 *   A power cut leaves that of a transaction nobody was answered for, and rot leaves it of one that was: nobody can tell.
 * - `rotten`: a transaction cannot be read although it was on disk before a later one was begun. Acknowledged writes are
 *   lost to whoever opens the file.
 */
export type WalState = 'absent' | 'empty' | 'intact' | 'torn' | 'suspect' | 'rotten';

/** What a scan found. */
export interface WalScan {
  readonly state: WalState;
  readonly bytes: number;
  /** Transactions SQLite will find, and the frames that hold them. */
  readonly commits: number;
  readonly frames: number;
  /** Transactions that have their commit mark and that SQLite will not find. */
  readonly unreachableCommits: number;
  /** Where in the log it stops making sense, in bytes; null when it does to its end. */
  readonly offset: number | null;
}

/**
 * Reads the write-ahead log of a database that is not open. SQLite takes the first frame whose checksum fails for the
 * end of the log, so one flipped bit makes every later commit disappear without a word; this tells such rot from the
 * torn end that a crash leaves.
 *
 * It may be called only while no connection of this process has the database open: closing any descriptor of a file
 * gives up this process's locks on it (POSIX), SQLite's too. Throws Node's error when the log is there and cannot be
 * read.
 */
export function scanWal(databasePath: string): WalScan {
  const file = openIfThere(`${databasePath}-wal`);
  if (file === undefined) return { ...nothing, state: 'absent' };
  try {
    return scan(file, databasePath);
  } finally {
    closeSync(file);
  }
}

const nothing = { bytes: 0, commits: 0, frames: 0, unreachableCommits: 0, offset: null };

function scan(file: number, databasePath: string): WalScan {
  const bytes = fstatSync(file).size;
  if (bytes === 0) return { ...nothing, state: 'empty' };
  const start = Buffer.alloc(WAL_HEADER_BYTES);
  if (readSync(file, start, 0, WAL_HEADER_BYTES, 0) < WAL_HEADER_BYTES) {
    return { ...nothing, bytes, state: 'torn', offset: 0 };
  }
  const header = readWalHeader(start);
  const found = header.isValid ? scanFrames(file, bytes, header) : scanHeadless(file, bytes, { header, databasePath });
  return found.commits > 0 && isEmptyOrAbsent(databasePath) ? withoutDatabase(found) : found;
}

// SQLite deletes a log whose database is an empty file.
function withoutDatabase(found: WalScan): WalScan {
  return { ...found, state: 'rotten', commits: 0, frames: 0, unreachableCommits: found.commits, offset: 0 };
}

/** What is known while frames go by. */
interface Tally {
  frames: number;
  commits: number;
  /** Live frames up to the last commit. */
  committedFrames: number;
  unreachableCommits: number;
  /** The first frame SQLite will not read. */
  broken: Frame | undefined;
  isRotten: boolean;
  /** The frame before was written in this generation of the log. */
  isInLog: boolean;
  /** The frame before stands behind the break and ends a transaction. */
  isAfterLostCommit: boolean;
}

function scanFrames(file: number, bytes: number, header: WalHeader): WalScan {
  const tally: Tally = {
    frames: 0,
    commits: 0,
    committedFrames: 0,
    unreachableCommits: 0,
    broken: undefined,
    isRotten: false,
    isInLog: true,
    isAfterLostCommit: false,
  };
  const { order, pageBytes, sum } = header;
  for (const frame of framesOf(file, bytes, { order, pageBytes, seeds: [sum] })) count(tally, frame, header);
  const frameBytes = FRAME_HEADER_BYTES + pageBytes;
  const end = WAL_HEADER_BYTES + tally.frames * frameBytes;
  const state = stateOf(tally, header, bytes - end);
  const { commits, committedFrames, unreachableCommits } = tally;
  const offset = state === 'intact' || state === 'empty' ? null : end;
  return { state, bytes, commits, frames: committedFrames, unreachableCommits, offset };
}

function count(tally: Tally, frame: Frame, header: WalHeader): void {
  const isOfGeneration = frame.salt1 === header.salt1 && frame.salt2 === header.salt2;
  if (tally.broken === undefined) {
    if (isOfGeneration && frame.isLinked && frame.pageNumber !== 0) {
      countReadable(tally, frame);
      return;
    }
    tally.broken = frame;
  }
  // This frame was begun after the commit before it had been synced, and so had all that stands before that.
  if (tally.isAfterLostCommit && frame.isLinked && isOfGeneration) tally.isRotten = true;
  tally.isInLog = isOfGeneration || (frame.isLinked && tally.isInLog);
  tally.isAfterLostCommit = tally.isInLog && frame.isCommit;
  if (tally.isAfterLostCommit) tally.unreachableCommits += 1;
}

function countReadable(tally: Tally, frame: Frame): void {
  tally.frames += 1;
  if (!frame.isCommit) return;
  tally.commits += 1;
  tally.committedFrames = tally.frames;
}

function stateOf(tally: Tally, header: WalHeader, bytesLeft: number): WalState {
  const { frames, committedFrames, unreachableCommits, broken } = tally;
  if (tally.isRotten) return 'rotten';
  if (unreachableCommits > 0) return 'suspect';
  if (frames > committedFrames) return 'torn';
  if (broken === undefined) return bytesLeft > 0 ? 'torn' : frames === 0 ? 'empty' : 'intact';
  if (broken.salt1 === header.salt1 && broken.salt2 === header.salt2) return 'torn';
  return isOlder(broken, header) ? 'intact' : 'suspect';
}

/** Whether a frame was left by an earlier generation of the log: beginning anew adds one to the first salt. */
function isOlder({ salt1 }: Frame, header: WalHeader): boolean {
  const generationsAgo = (header.salt1 - salt1) >>> 0;
  return generationsAgo >= 1 && generationsAgo <= header.generation;
}

/**
 * A log whose header is not right. A header lies in one sector and is synced before the first frame is written, so no
 * crash leaves that: if there is a commit behind it, it is rot.
 */
function scanHeadless(
  file: number,
  bytes: number,
  { header, databasePath }: { header: WalHeader; databasePath: string },
): WalScan {
  const sizes = new Set([header.pageBytes, pageSizeOf(databasePath)].filter(isPageSize));
  const orders: readonly ByteOrder[] = ['little', 'big'];
  let unreachableCommits = 0;
  for (const pageBytes of sizes) {
    for (const order of orders) {
      const layout = { order, pageBytes, seeds: [header.sum, header.computed[order]] };
      unreachableCommits = Math.max(unreachableCommits, countCommits(framesOf(file, bytes, layout)));
    }
  }
  return { ...nothing, bytes, state: unreachableCommits > 0 ? 'rotten' : 'suspect', unreachableCommits, offset: 0 };
}

function countCommits(frames: Iterable<Frame>): number {
  let commits = 0;
  for (const { isLinked, isCommit } of frames) if (isLinked && isCommit) commits += 1;
  return commits;
}

/** The page size a database's own header tells; 0 when there is none. */
export function pageSizeOf(databasePath: string): number {
  const file = openIfThere(databasePath);
  if (file === undefined) return 0;
  try {
    const start = Buffer.alloc(18);
    readSync(file, start, 0, start.length, 0);
    const stored = start.readUInt16BE(16);
    return stored === 1 ? 65_536 : stored;
  } finally {
    closeSync(file);
  }
}

function isEmptyOrAbsent(path: string): boolean {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0;
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
