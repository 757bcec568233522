import { closeSync, fstatSync, openSync, readSync, statSync, writeSync } from 'node:fs';

import { openDatabase } from '@holdfast/sqlite';

/** Bytes of a write-ahead log before its first frame, and of a frame before its page. */
const LOG_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const PAGE_BYTES = 4096;

/** Flips one bit of a file that nobody has open; a negative offset counts from its end. */
export function flipBit(path: string, offset: number): void {
  const file = openSync(path, 'r+');
  try {
    const at = offset < 0 ? fstatSync(file).size + offset : offset;
    const byte = Buffer.alloc(1);
    if (readSync(file, byte, 0, 1, at) !== 1) throw new Error(`${path} has no byte ${at}`);
    byte[0] = (byte[0] ?? 0) ^ 0x10;
    writeSync(file, byte, 0, 1, at);
  } finally {
    closeSync(file);
  }
}

/** Flips a bit in the page of a frame of a write-ahead log; frames count from 0. */
export function flipInFrame(databasePath: string, frame: number, offsetInPage = 2000): void {
  const begin = LOG_HEADER_BYTES + frame * (FRAME_HEADER_BYTES + PAGE_BYTES);
  flipBit(`${databasePath}-wal`, begin + FRAME_HEADER_BYTES + offsetInPage);
}

/** How many frames a write-ahead log has, of whatever generation. */
export function framesIn(databasePath: string): number {
  return Math.floor((statSync(`${databasePath}-wal`).size - LOG_HEADER_BYTES) / (FRAME_HEADER_BYTES + PAGE_BYTES));
}

/** Zeroes some pages of the table of records, or of an index of it, in a database that nobody has open and that has no log. */
export function zeroPages(databasePath: string, name: string, pages: number): number {
  const database = openDatabase(databasePath);
  const leaves = database
    .prepare("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY pageno")
    .pluck()
    .all(name) as number[];
  database.close();
  const chosen = leaves.slice(1, 1 + pages);
  const file = openSync(databasePath, 'r+');
  for (const page of chosen) writeSync(file, Buffer.alloc(PAGE_BYTES), 0, PAGE_BYTES, (page - 1) * PAGE_BYTES);
  closeSync(file);
  return chosen.length;
}
