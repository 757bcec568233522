import { readdirSync, readFileSync } from 'node:fs';

import { type Database, openDatabase } from '@holdfast/sqlite';
import { temporaryDirectory, type TemporaryDirectory } from '@holdfast/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { QueryPool, type Row, sql } from '../src/index.ts';

const ENDLESS = sql('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n');
const ENDLESS_ROWS = sql('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n');
const ENDLESS_RECORDS = sql(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
  SELECT '' AS resource, 'c' AS collection, 'r' || i AS id, '1' AS version, 0 AS created_at, 0 AS updated_at, NULL AS expires_at,
    '{"n":' || i || '}' AS doc FROM n`);
const LENGTHY_SECONDS = 600;

describe('queries in processes of their own', () => {
  let directory: TemporaryDirectory;
  let database: Database;
  let path: string;
  const pools: QueryPool[] = [];
  const open = (options: { readonly processes?: number; readonly seconds?: number } = {}): QueryPool => {
    const pool = new QueryPool({ path, processes: 1, seconds: LENGTHY_SECONDS, ...options });
    pools.push(pool);
    return pool;
  };
  beforeEach(async () => {
    directory = await temporaryDirectory();
    path = directory.file('data.db');
    database = openDatabase(path);
    database.exec(`CREATE TABLE numbers (n INTEGER);
      WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up LIMIT 2000) INSERT INTO numbers SELECT n FROM up`);
  });
  afterEach(async () => {
    for (const pool of pools.splice(0)) await pool.stop();
    database.close();
    await directory[Symbol.asyncDispose]();
  });

  const rowsOf = async (
    pool: QueryPool,
    query = sql('SELECT n FROM numbers'),
    signal?: AbortSignal,
  ): Promise<Row[]> => {
    const all: Row[] = [];
    for await (const rows of pool.rows(query, signal)) all.push(...rows);
    return all;
  };

  it('give every row once, in order, in parts', async () => {
    const parts: number[][] = [];
    for await (const rows of open().rows(sql('SELECT n FROM numbers WHERE n > ? ORDER BY n', 10))) {
      parts.push(rows.map(({ n }) => Number(n)));
    }
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.flat()).toEqual(Array.from({ length: 1990 }, (_, index) => index + 11));
  });

  it('see what was committed before they began', async () => {
    const pool = open();
    await rowsOf(pool);
    database.exec('INSERT INTO numbers VALUES (-1)');
    await expect(rowsOf(pool, sql('SELECT n FROM numbers WHERE n < 0'))).resolves.toEqual([{ n: -1 }]);
  });

  it('end with query-timeout when their time is over, and the next one runs', async () => {
    const pool = open({ seconds: 1 });
    await expect(rowsOf(pool, ENDLESS)).rejects.toMatchObject({ code: 'query-timeout' });
    expect(processesOn(path)).toEqual([]);
    await expect(rowsOf(open(), sql('SELECT count(*) AS n FROM numbers'))).resolves.toEqual([{ n: 2000 }]);
  });

  it('end with query-timeout when their turn does not come in time', async () => {
    const pool = open({ seconds: 1 });
    const first = pool.rows(ENDLESS_ROWS);
    await first.next();
    await expect(rowsOf(pool)).rejects.toMatchObject({ code: 'query-timeout' });
    await first.return();
  });

  it('end when nobody waits for them any more', async () => {
    const gone = new AbortController();
    const ending = rowsOf(open(), ENDLESS, gone.signal);
    gone.abort();
    await expect(ending).rejects.toMatchObject({ code: 'query-timeout' });
    expect(processesOn(path)).toEqual([]);
  });

  it('are read no further than they are asked for, and leave the process to the next when they are left', async () => {
    const pool = open();
    for await (const [first] of pool.rows(ENDLESS_ROWS)) {
      expect(first).toEqual({ i: 1 });
      break;
    }
    const before = processesOn(path);
    expect(before).toHaveLength(1);
    await expect(rowsOf(pool, sql('SELECT 1 AS one'))).resolves.toEqual([{ one: 1 }]);
    expect(processesOn(path)).toEqual(before);
  });

  it('give records as lines, so many as wanted; whoever leaves or is gone ends them', async () => {
    const pool = open();
    const lines = pool.recordLines(ENDLESS_RECORDS, 3);
    const time = '1970-01-01T00:00:00.000Z';
    const line = (n: number): string =>
      `{"collection":"c","id":"r${n}","version":"1","created_at":"${time}","updated_at":"${time}","doc":{"n":${n}}}\n`;
    const text = line(1) + line(2) + line(3);
    await expect(lines.next()).resolves.toMatchObject({ value: { text, count: 3, last: { id: 'r3' }, isCut: true } });
    await expect(lines.next()).resolves.toEqual({ done: true, value: undefined });
    for await (const { count, isCut } of pool.recordLines(ENDLESS_RECORDS, 1e9)) {
      expect([count > 100, isCut]).toEqual([true, false]);
      break;
    }
    const before = processesOn(path);
    expect(before).toHaveLength(1);
    const gone = new AbortController();
    const endless = pool.recordLines(ENDLESS_RECORDS, 1e9, gone.signal);
    await endless.next();
    expect(processesOn(path)).toEqual(before);
    gone.abort();
    await expect(endless.next()).rejects.toMatchObject({ code: 'query-timeout' });
    expect(processesOn(path)).toEqual([]);
  });

  it('end with query-failed when their process dies, and the next one gets another', async () => {
    const pool = open();
    const rows = pool.rows(ENDLESS_ROWS);
    await rows.next();
    for (const pid of processesOn(path)) process.kill(pid, 'SIGKILL');
    await expect(rows.next()).rejects.toMatchObject({ code: 'query-failed' });
    await expect(rowsOf(pool, sql('SELECT 1 AS one'))).resolves.toEqual([{ one: 1 }]);
  });

  it('end with query-failed when they need more memory than a process has, and nothing else is harmed', async () => {
    const hungry = sql(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
      SELECT holdfast_p50(i), holdfast_p95(i), holdfast_p99(i) FROM n`);
    await expect(rowsOf(open(), hungry)).rejects.toMatchObject({ code: 'query-failed' });
    await expect(rowsOf(open(), sql('SELECT 1 AS one'))).resolves.toEqual([{ one: 1 }]);
  });

  it('end with shutting-down when the service stops, those that wait too', async () => {
    const pool = open();
    const ended = Promise.allSettled([rowsOf(pool, ENDLESS), rowsOf(pool)]);
    await pool.stop();
    const reason = expect.objectContaining({ code: 'shutting-down' }) as unknown;
    await expect(ended).resolves.toEqual([
      { status: 'rejected', reason },
      { status: 'rejected', reason },
    ]);
    expect(processesOn(path)).toEqual([]);
  });

  it('can write nothing', async () => {
    await expect(rowsOf(open(), sql('DELETE FROM numbers'))).rejects.toMatchObject({ code: 'SQLITE_ERROR' });
    await expect(rowsOf(open())).resolves.toHaveLength(2000);
  });
});

/** The processes that were started with the path as an argument. */
function processesOn(path: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').includes(path);
      } catch {
        return false;
      }
    })
    .map(Number);
}
