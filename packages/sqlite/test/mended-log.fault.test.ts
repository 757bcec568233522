import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

import { copyWithMendedLog, openForReading, scanWal } from '@holdfast/sqlite';
import { seededRandom, temporaryDirectory, type TemporaryDirectory, testSeed } from '@holdfast/testkit';
import { describe, expect, test } from 'vitest';

import { type CrashedLog, crashedLog, frameStart } from './crashed-log.ts';

const PATIENCE_MS = 120_000;
const PLAN = { pageBytes: 4096, older: 0, olderPages: 1, transactions: 12 };
const FLIPS = 200;

/** Writes a database with a log, one bit of which is flipped. */
function put(place: TemporaryDirectory, { database, log }: CrashedLog, at: number, bit: number): string {
  const path = place.file('damaged.db');
  const flipped = Buffer.from(log);
  flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << bit), at);
  writeFileSync(path, database);
  rmSync(`${path}-shm`, { force: true });
  writeFileSync(`${path}-wal`, flipped);
  return path;
}

/** Rows SQLite finds; undefined when it finds the database damaged. */
function rowsIn(path: string): number | undefined {
  rmSync(`${path}-shm`, { force: true });
  const database = openForReading(path);
  try {
    return database.prepare('SELECT count(*) FROM rows').pluck().get() as number;
  } catch {
    return undefined;
  } finally {
    database.close();
  }
}

/** As above, in a copy: looking leaves an index beside the log. */
function rowsWithout(place: TemporaryDirectory, path: string): number | undefined {
  const copy = place.file('as-it-is.db');
  for (const suffix of ['', '-wal']) copyFileSync(`${path}${suffix}`, `${copy}${suffix}`);
  return rowsIn(copy);
}

describe('a write-ahead log that is damaged in the middle', () => {
  test(
    'is read to its end in a copy, and stays as it is',
    async () => {
      const random = seededRandom(testSeed());
      await using place = await temporaryDirectory();
      const written = await crashedLog(place, PLAN);
      const lastTransaction = frameStart(written, (written.commits.at(-2) ?? 0) + 1);
      let whole = 0;
      let rotten = 0;
      for (let flip = 0; flip < FLIPS; flip += 1) {
        const path = put(place, written, random.integer(0, lastTransaction - 1), random.integer(0, 7));
        if (scanWal(path).state !== 'rotten') continue;
        rotten += 1;
        const before = readFileSync(`${path}-wal`);
        const copy = place.file('mended.db');
        expect(copyWithMendedLog(path, copy)).toBe(true);
        expect(scanWal(copy).state).toBe('intact');
        expect(readFileSync(`${path}-wal`)).toEqual(before);
        const rows = rowsIn(copy);
        if (rows === PLAN.transactions) whole += 1;
        expect(rows ?? PLAN.transactions).toBeGreaterThanOrEqual(rowsWithout(place, path) ?? 0);
      }
      expect(rotten).toBeGreaterThan(FLIPS / 2);
      expect(whole).toBeGreaterThan(rotten * 0.8);
    },
    PATIENCE_MS,
  );

  test('is read by what its frames tell where its header is damaged', async () => {
    await using place = await temporaryDirectory();
    const written = await crashedLog(place, PLAN);
    for (const at of [0, 3, 8, 11, 16, 24, 31]) {
      const path = put(place, written, at, 1);
      expect(scanWal(path).state).toBe('rotten');
      expect(copyWithMendedLog(path, place.file('mended.db'))).toBe(true);
      expect(rowsIn(place.file('mended.db'))).toBe(PLAN.transactions);
    }
  });
});

test('a log that is not damaged is not copied', async () => {
  await using place = await temporaryDirectory();
  const written = await crashedLog(place, PLAN);
  const path = place.file('sound.db');
  writeFileSync(path, written.database);
  writeFileSync(`${path}-wal`, written.log);
  expect(copyWithMendedLog(path, place.file('mended.db'))).toBe(false);
  expect(existsSync(place.file('mended.db'))).toBe(false);
});
