import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';

import { openDatabase, openMigrated, refuseRotten, scanWal, type WalScan } from '@holdfast/sqlite';
import {
  seededRandom,
  type SeededRandom,
  temporaryDirectory,
  type TemporaryDirectory,
  testSeed,
} from '@holdfast/testkit';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, test } from 'vitest';

import { continuedLog, type CrashedLog, crashedLog, frameStart, lastCommit } from './crashed-log.ts';

/** For thousands of scans on a busy machine. */
const PATIENCE_MS = 120_000;

const SMALL = { pageBytes: 512, older: 0, olderPages: 1, transactions: 9 };
const RECYCLED = { pageBytes: 512, older: 12, olderPages: 5, transactions: 5 };

/** A database path with the log given, to be scanned. */
function put(place: TemporaryDirectory, { database }: CrashedLog, log: Buffer): string {
  const path = place.file('scanned.db');
  writeFileSync(path, database);
  rmSync(`${path}-shm`, { force: true });
  writeFileSync(`${path}-wal`, log);
  return path;
}

/** How many rows SQLite itself finds. */
function rowsSeen(place: TemporaryDirectory, path: string): number {
  const copy = place.file('opened.db');
  for (const suffix of ['', '-wal']) copyFileSync(`${path}${suffix}`, `${copy}${suffix}`);
  rmSync(`${copy}-shm`, { force: true });
  const database = new BetterSqlite3(copy, { readonly: true });
  try {
    return database.prepare('SELECT count(*) FROM rows').pluck().get() as number;
  } finally {
    database.close();
  }
}

function flipped(log: Buffer, at: number, bit: number): Buffer {
  const copy = Buffer.from(log);
  copy.writeUInt8(copy.readUInt8(at) ^ (1 << bit), at);
  return copy;
}

/** Scans the log with one bit flipped, and with the next one, and so on: each time that one alone. */
function scanFlipped(
  place: TemporaryDirectory,
  written: CrashedLog,
  { from, to, bits }: { from: number; to: number; bits: (at: number) => readonly number[] },
  look: (scan: WalScan, where: { at: number; bit: number }, path: string) => void,
): void {
  const path = put(place, written, written.log);
  const file = openSync(`${path}-wal`, 'r+');
  try {
    for (let at = from; at < to; at += 1) {
      for (const bit of bits(at)) {
        writeSync(file, Buffer.of(written.log.readUInt8(at) ^ (1 << bit)), 0, 1, at);
        look(scanWal(path), { at, bit }, path);
      }
      writeSync(file, written.log, at, 1, at);
    }
  } finally {
    closeSync(file);
  }
}

function lastTransactionStart(written: CrashedLog): number {
  return frameStart(written, written.commits.at(-2)! + 1);
}

function liveEnd(written: CrashedLog): number {
  return frameStart(written, written.commits.at(-1)! + 1);
}

describe('the log of a process that was killed', () => {
  test('is intact, with as many commits as SQLite finds, also over an older generation of it', async () => {
    await using place = await temporaryDirectory();
    for (const plan of [SMALL, RECYCLED, { pageBytes: 65_536, older: 2, olderPages: 2, transactions: 3 }]) {
      const written = await crashedLog(place, plan);
      const path = put(place, written, written.log);
      expect(scanWal(path)).toMatchObject({ state: 'intact', commits: plan.transactions, offset: null });
      expect(rowsSeen(place, path)).toBe(plan.older + plan.transactions);
      expect(written.commits).toHaveLength(plan.transactions);
    }
  });

  test('is read in the other byte order too', async () => {
    await using place = await temporaryDirectory();
    const written = await crashedLog(place, SMALL);
    const log = inBigEndian(written);
    const path = put(place, written, log);
    expect(scanWal(path)).toMatchObject({ state: 'intact', commits: SMALL.transactions });
    expect(rowsSeen(place, path)).toBe(SMALL.transactions);
    expect(scanWal(put(place, written, flipped(log, frameStart(written, 0) + 100, 3))).state).toBe('rotten');
  });

  test('may be absent or empty', async () => {
    await using place = await temporaryDirectory();
    const written = await crashedLog(place, SMALL);
    expect(scanWal(place.file('nowhere.db')).state).toBe('absent');
    expect(scanWal(put(place, written, Buffer.alloc(0))).state).toBe('empty');
    expect(scanWal(put(place, written, written.log.subarray(0, 32))).state).toBe('empty');
  });

  test('is begun anew when the database is opened, so that no remains of two crashes meet in it', async () => {
    await using place = await temporaryDirectory();
    const written = await crashedLog(place, RECYCLED);
    const path = put(place, written, written.log.subarray(0, liveEnd(written) - 100));
    const database = openMigrated(path, []);
    expect(statSync(`${path}-wal`).size).toBe(0);
    expect(database.prepare('SELECT count(*) FROM rows').pluck().get()).toBe(
      RECYCLED.older + RECYCLED.transactions - 1,
    );
    database.close();
  });
});

describe('what a crash leaves is never called rotten', { timeout: PATIENCE_MS }, () => {
  test('cut off at every byte', async () => {
    await using place = await temporaryDirectory();
    const written = await crashedLog(place, SMALL);
    const path = put(place, written, written.log);
    const ends = written.commits.map((frame) => frameStart(written, frame + 1));
    for (let bytes = written.log.length - 1; bytes > 0; bytes -= 1) {
      truncateSync(`${path}-wal`, bytes);
      const { state, commits } = scanWal(path);
      const expected = bytes === 32 ? 'empty' : ends.includes(bytes) ? 'intact' : 'torn';
      expect({ bytes, state }).toEqual({ bytes, state: expected });
      expect(commits).toBe(ends.filter((end) => end <= bytes).length);
    }
  });

  test('with any of the last transaction’s sectors lost, over nothing and over an older generation', async () => {
    await using place = await temporaryDirectory();
    const random = seededRandom(testSeed());
    let torn = 0;
    for (const plan of [SMALL, RECYCLED, { ...RECYCLED, transactions: 28, older: 60 }]) {
      const written = await crashedLog(place, plan);
      for (let cut = 0; cut < 500; cut += 1) {
        const { state, commits } = scanWal(put(place, written, withSectorsLost(written, random)));
        expect(state).not.toBe('rotten');
        expect(commits).toBeGreaterThanOrEqual(plan.transactions - 1);
        if (commits < plan.transactions) torn += 1;
      }
    }
    expect(torn).toBeGreaterThan(0);
  });

  test('with the remains of a longer transaction, of a power cut before, behind the last one', async () => {
    await using place = await temporaryDirectory();
    const random = seededRandom(testSeed());
    const found = await crashedLog(place, SMALL);
    const [longer, shorter] = [await continuedLog(place, found, 9), await continuedLog(place, found, 2)];
    expect(shorter.length).toBeLessThan(longer.length);
    for (let cut = 0; cut < 500; cut += 1) {
      const remains = withSectorsLost({ log: longer, before: found.log }, random);
      const log = withSectorsLost(
        { log: Buffer.concat([shorter, remains.subarray(shorter.length)]), before: remains },
        random,
      );
      const { state, commits } = scanWal(put(place, found, log));
      expect(state).not.toBe('rotten');
      expect(commits).toBeGreaterThanOrEqual(SMALL.transactions);
    }
  });
});

test('a frame that a power cut split between two sectors is not called rotten', { timeout: PATIENCE_MS }, async () => {
  await using place = await temporaryDirectory();
  // Frames of 536 bytes: 41 has its commit mark at the end of a sector, 62 its salts. All older frames have the mark.
  const found = await crashedLog(place, { pageBytes: 512, older: 90, olderPages: 1, transactions: 3 });
  const tried = await continuedLog(place, found, 20);
  const log = await continuedLog(place, found, 20 + 62 - lastCommit(tried, found));
  expect(lastCommit(log, found)).toBe(62);
  const beforeMark = { from: frameStart(found, 41) + 8 - 512, to: frameStart(found, 41) + 8 };
  const afterSalts = { from: frameStart(found, 62) + 16, to: log.length };
  for (const { from, to } of [beforeMark, afterSalts]) {
    expect(from % 512).toBe(0);
    const torn = Buffer.from(log);
    found.log.copy(torn, from, from, to);
    const { state, commits } = scanWal(put(place, found, torn));
    expect(['torn', 'suspect']).toContain(state);
    expect(commits).toBe(3);
  }
});

describe('one flipped bit', { timeout: PATIENCE_MS }, () => {
  test('anywhere in a transaction that another follows is rot, and SQLite would say nothing', async () => {
    await using place = await temporaryDirectory();
    const random = seededRandom(testSeed());
    const written = await crashedLog(place, SMALL);
    const intact = rowsSeen(place, put(place, written, written.log));
    let lost = 0;
    const range = { from: 0, to: lastTransactionStart(written), bits: () => [random.integer(0, 7)] };
    scanFlipped(place, written, range, ({ state, commits, unreachableCommits }, { at, bit }, path) => {
      expect({ at, bit, state }).toEqual({ at, bit, state: 'rotten' });
      expect(unreachableCommits).toBeGreaterThanOrEqual(1);
      if (at % 37 !== 0) return;
      expect(rowsSeen(place, path)).toBe(commits);
      lost += intact - commits;
    });
    expect(lost).toBeGreaterThan(0);
  });

  test('of every bit of every frame header and of the log’s own header is rot too', async () => {
    await using place = await temporaryDirectory();
    const written = await crashedLog(place, SMALL);
    const heads = Array.from({ length: written.commits.at(-2)! + 1 }, (_, frame) => frameStart(written, frame));
    for (const [from, to] of [[0, 32] as const, ...heads.map((start) => [start, start + 24] as const)]) {
      scanFlipped(place, written, { from, to, bits: () => [0, 1, 2, 3, 4, 5, 6, 7] }, ({ state }, where) => {
        expect({ ...where, state }).toEqual({ ...where, state: 'rotten' });
      });
    }
  });

  test('in the mark of a transaction’s end is rot also where no bit of the mark is left', async () => {
    await using place = await temporaryDirectory();
    const written = await crashedLog(place, { ...SMALL, transactions: 40 });
    let seen = 0;
    for (const [index, frame] of written.commits.slice(0, -1).entries()) {
      const at = frameStart(written, frame) + 4;
      const mark = written.log.readUInt32BE(at);
      if ((mark & (mark - 1)) !== 0) continue;
      const log = Buffer.from(written.log.subarray(0, frameStart(written, written.commits[index + 1]! + 1)));
      log.writeUInt32BE(0, at);
      expect(scanWal(put(place, written, log))).toMatchObject({ state: 'rotten', commits: index });
      seen += 1;
    }
    expect(seen).toBeGreaterThan(0);
  });

  test('in the last transaction is told: mostly as suspect, because a power cut may leave the same', async () => {
    await using place = await temporaryDirectory();
    for (const plan of [SMALL, RECYCLED]) {
      const written = await crashedLog(place, plan);
      const range = { from: lastTransactionStart(written), to: liveEnd(written), bits: (at: number) => [0, at % 8] };
      scanFlipped(place, written, range, ({ state, commits }) => {
        expect(['suspect', 'rotten']).toContain(state);
        expect(commits).toBe(plan.transactions - 1);
      });
    }
  });

  test('behind the end, in what an older generation left, does no harm and loses nothing', async () => {
    await using place = await temporaryDirectory();
    const written = await crashedLog(place, RECYCLED);
    const range = { from: liveEnd(written), to: written.log.length, bits: (at: number) => [at % 8] };
    expect(range.from).toBeLessThan(range.to);
    scanFlipped(place, written, range, ({ state, commits }) => {
      expect(['intact', 'suspect']).toContain(state);
      expect(commits).toBe(RECYCLED.transactions);
    });
  });
});

describe('any damage', { timeout: PATIENCE_MS }, () => {
  test('that makes SQLite lose a commit is told, and the commits it still finds are counted as SQLite does', async () => {
    await using place = await temporaryDirectory();
    const random = seededRandom(testSeed());
    const seen = new Map<string, number>();
    for (const plan of [SMALL, RECYCLED]) {
      const written = await crashedLog(place, plan);
      for (let round = 0; round < 500; round += 1) {
        const log = mutated(written.log, random);
        const path = put(place, written, log);
        const { state, commits } = scanWal(path);
        expect(rowsSeen(place, path)).toBe(plan.older + commits);
        const isTold = ['torn', 'suspect', 'rotten'].includes(state);
        expect({ round, isTold: isTold || commits === plan.transactions }).toEqual({ round, isTold: true });
        seen.set(state, (seen.get(state) ?? 0) + 1);
      }
    }
    expect([...seen.keys()].toSorted()).toEqual(['intact', 'rotten', 'suspect', 'torn']);
  });

  test('to the database that makes SQLite delete the log is rot', async () => {
    await using place = await temporaryDirectory();
    const written = await crashedLog(place, SMALL);
    const path = put(place, written, written.log);
    writeFileSync(path, '');
    expect(scanWal(path)).toMatchObject({ state: 'rotten', commits: 0, unreachableCommits: SMALL.transactions });
    openDatabase(path).close();
    expect(existsSync(`${path}-wal`)).toBe(false);
  });

  test('keeps a service from opening a database it cannot do without, and is told when it may be none', async () => {
    await using place = await temporaryDirectory();
    const written = await crashedLog(place, SMALL);
    const told: string[] = [];
    const refuse = (log: Buffer): void => refuseRotten(put(place, written, log), (message) => told.push(message));
    refuse(written.log);
    expect(told).toEqual([]);
    refuse(flipped(written.log, liveEnd(written) - 1, 0));
    expect(told).toHaveLength(1);
    expect(() => refuse(flipped(written.log, 100, 0))).toThrow(expect.objectContaining({ code: 'file-damaged' }));
  });
});

/** The log after a power cut in its last transaction: each sector of it is there, or is as it was before. */
function withSectorsLost({ log, before }: Pick<CrashedLog, 'log' | 'before'>, random: SeededRandom): Buffer {
  const copy = Buffer.from(log);
  for (let at = 0; at < copy.length; at += 512) {
    if (random.next() < 0.5) continue;
    const end = Math.min(copy.length, at + 512);
    const old = before.subarray(at, end);
    copy.fill(0, at, end).set(old, at);
  }
  return copy;
}

function mutated(log: Buffer, random: SeededRandom): Buffer {
  const copy = Buffer.from(log);
  const at = random.integer(0, copy.length - 1);
  const end = Math.min(copy.length, at + random.integer(1, 3000));
  const kinds = {
    flips: () => {
      for (let flip = random.integer(1, 4); flip > 0; flip -= 1) {
        const byte = random.integer(0, copy.length - 1);
        copy.writeUInt8(copy.readUInt8(byte) ^ (1 << random.integer(0, 7)), byte);
      }
      return copy;
    },
    zeros: () => copy.fill(0, at, end),
    ones: () => copy.fill(0xff, at, end),
    noise: () => copy.map((byte, index) => (index < at || index >= end ? byte : random.integer(0, 255))) as Buffer,
    moved: () => copy.copyWithin(at, random.integer(0, copy.length - 1), end),
    // At an end of a transaction nobody could tell.
    cut: () => copy.subarray(0, Math.max(33, at | 1)),
  };
  return Buffer.from(random.pick(Object.values(kinds))());
}

/** The same log with its checksums in big-endian order, as a machine of that order writes it. */
function inBigEndian({ log, frameBytes }: CrashedLog): Buffer {
  const copy = Buffer.from(log);
  copy.writeUInt32BE(0x377f0683, 0);
  let sum = bigEndianSum(copy, { from: 0, to: 24 }, [0, 0]);
  writeSum(copy, 24, sum);
  for (let at = 32; at + frameBytes <= copy.length; at += frameBytes) {
    sum = bigEndianSum(copy, { from: at, to: at + 8 }, sum);
    sum = bigEndianSum(copy, { from: at + 24, to: at + frameBytes }, sum);
    writeSum(copy, at + 16, sum);
  }
  return copy;
}

type TwoWords = readonly [first: number, second: number];

function bigEndianSum(bytes: Buffer, span: { from: number; to: number }, [first, second]: TwoWords): TwoWords {
  let [one, two] = [first, second];
  for (let at = span.from; at < span.to; at += 8) {
    one = (one + bytes.readUInt32BE(at) + two) >>> 0;
    two = (two + bytes.readUInt32BE(at + 4) + one) >>> 0;
  }
  return [one, two];
}

function writeSum(bytes: Buffer, at: number, [first, second]: TwoWords): void {
  bytes.writeUInt32BE(first, at);
  bytes.writeUInt32BE(second, at + 4);
}
