import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { type DiskStatus, HoldfastError, isHoldfastError } from '@holdfast/protocol';
import { DiskWatch, openDatabase } from '@holdfast/sqlite';
import { mustSkip, runProgram, smallDisk } from '@holdfast/testkit';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, test } from 'vitest';

const MEBIBYTE = 1024 * 1024;
const DISK_MEGABYTES = 4;
const SOON_MS = 10_000;

interface Watched {
  readonly watch: DiskWatch;
  readonly states: DiskStatus['state'][];
  readonly failures: string[];
}

function watched(directory: string, reserveBytes = MEBIBYTE): Watched {
  const states: DiskStatus['state'][] = [];
  const failures: string[] = [];
  const watch = new DiskWatch({
    directory,
    reserveBytes,
    onChange: ({ state }) => states.push(state),
    onFailure: (failure, file) => failures.push(`${file}: ${failure.message}`),
  });
  return { watch, states, failures };
}

function errorOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}

function problemOf(work: () => unknown): unknown {
  const error = errorOf(work);
  if (!isHoldfastError(error)) return error;
  const { code, retryAfterSeconds, extensions } = error;
  return { code, retryAfterSeconds, ...extensions };
}

describe.skipIf(mustSkip('full and read-only disks', ['root']))('a disk', () => {
  test('below its reserve lets no write in, and does again when there is room, which is told once each', async () => {
    await using disk = await smallDisk(DISK_MEGABYTES);
    const { watch, states } = watched(disk.path);
    watch.assertRoom();
    const filler = join(disk.path, 'filler');
    writeFileSync(filler, Buffer.alloc(3.5 * MEBIBYTE));
    await expect
      .poll(() => problemOf(() => watch.assertRoom()), { timeout: SOON_MS })
      .toEqual({ code: 'disk-full', retryAfterSeconds: 2, free_bytes: MEBIBYTE / 2, reserve_bytes: MEBIBYTE });
    expect(problemOf(() => watch.check())).toMatchObject({ code: 'disk-full' });
    expect(watch.status()).toEqual({ state: 'low', free_bytes: MEBIBYTE / 2, reserve_bytes: MEBIBYTE });
    watch.assertSound();
    rmSync(filler);
    await expect.poll(() => states, { timeout: SOON_MS }).toEqual(['low', 'ok']);
    watch.assertRoom();
  });

  test('that is full although it seems to have room is one without room', async () => {
    await using disk = await smallDisk(DISK_MEGABYTES);
    const { watch, states, failures } = watched(disk.path);
    const database = openDatabase(join(disk.path, 'a.db'));
    database.exec('CREATE TABLE t (v)');
    database.pragma('max_page_count = 12');
    const full = errorOf(() => database.prepare('INSERT INTO t VALUES (?)').run('x'.repeat(100_000)));
    database.close();
    expect(full).toMatchObject({ code: 'SQLITE_FULL' });
    expect(watch.translate(full, 'a test', 'a.db')).toMatchObject({ code: 'disk-full', cause: full });
    expect(problemOf(() => watch.assertRoom())).toMatchObject({ code: 'disk-full' });
    await expect.poll(() => states, { timeout: SOON_MS }).toEqual(['low', 'ok']);
    expect(failures).toEqual([]);
  });

  test('that turned read-only is told from a broken one, and takes writes again by itself', async () => {
    await using disk = await smallDisk(DISK_MEGABYTES);
    const { watch, states, failures } = watched(disk.path);
    openDatabase(join(disk.path, 'a.db')).close();
    await runProgram('mount', ['-o', 'remount,ro', disk.path]);
    // What SQLite says when it happens in the middle of a write.
    const failed = new BetterSqlite3.SqliteError('disk I/O error', 'SQLITE_IOERR_WRITE');
    expect(watch.translate(failed, 'a test', 'a.db')).toMatchObject({ code: 'storage-read-only' });
    expect(problemOf(() => watch.assertRoom())).toMatchObject({ code: 'storage-read-only', retryAfterSeconds: 2 });
    expect(problemOf(() => watch.check())).toMatchObject({ code: 'storage-read-only' });
    watch.assertSound();
    await runProgram('mount', ['-o', 'remount,rw', disk.path]);
    await expect.poll(() => states, { timeout: SOON_MS }).toEqual(['read-only', 'ok']);
    watch.assertRoom();
    expect(failures).toEqual([]);
  });

  test('that fails in any other way ends all acknowledging, for good', async () => {
    await using disk = await smallDisk(DISK_MEGABYTES);
    const { watch, failures } = watched(disk.path);
    const failed = new BetterSqlite3.SqliteError('disk I/O error', 'SQLITE_IOERR_FSYNC');
    expect(watch.translate(failed, 'the transaction failed', '/data/a.db')).toMatchObject({ code: 'storage-failed' });
    watch.translate(failed, 'another one failed', '/data/b.db');
    expect(watch.hasFailed).toBe(true);
    for (const use of [() => watch.assertSound(), () => watch.assertRoom(), () => watch.check()]) {
      expect(problemOf(use)).toMatchObject({ code: 'storage-failed' });
    }
    expect(failures).toEqual([expect.stringMatching(/^\/data\/a\.db: the transaction failed: SQLITE_IOERR_FSYNC/)]);
  });

  test.each(['SQLITE_IOERR_READ', 'SQLITE_IOERR_SHORT_READ', 'SQLITE_CORRUPT', 'SQLITE_CANTOPEN', 'SQLITE_READONLY'])(
    'on which %s was met takes writes as before',
    async (code) => {
      await using disk = await smallDisk(DISK_MEGABYTES);
      const { watch, states, failures } = watched(disk.path);
      const error = watch.translate(new BetterSqlite3.SqliteError('no', code), 'a test', 'a.db');
      expect(error).toBeInstanceOf(HoldfastError);
      expect(error).toMatchObject({ code: 'storage-failed', message: `a test: ${code}` });
      watch.assertRoom();
      expect([states, failures]).toEqual([[], []]);
    },
  );
});
