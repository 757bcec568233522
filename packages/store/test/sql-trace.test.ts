import { readFileSync } from 'node:fs';

import { openDatabase } from '@holdfast/sqlite';
import { eventually, mustSkip, temporaryDirectory, tracingCommand } from '@holdfast/testkit';
import { describe, expect, it } from 'vitest';

import { SqlReader, type SqlView } from '../src/index.ts';

const READING = ['read', 'recvmsg', 'pread64'];
const WRITING = [
  'write',
  'writev',
  'pwrite64',
  'pwritev',
  'sendto',
  'sendmsg',
  'ftruncate',
  'fallocate',
  'fsync',
  'fdatasync',
];
const NAMING = [
  'open',
  'openat',
  'openat2',
  'creat',
  'unlink',
  'unlinkat',
  'rename',
  'renameat2',
  'mkdir',
  'mkdirat',
  'link',
];
const LEAVING = ['connect', 'execve', 'fork', 'vfork'];
/** V8 reads it when two of its threads first wait for each other, whenever that is. */
const PROCESSOR_CLOCK = '/sys/devices/system/cpu/cpu0/tsc_freq_khz';
const PATIENCE = { limitMs: 10_000 };
const MARK = 'the statement has come';

describe.skipIf(mustSkip('what a process for SQL does to the system', ['strace']))('a process for SQL', () => {
  it('opens the database and its log and no other file, writes none, and calls nobody, once it has its statement', async () => {
    await using directory = await temporaryDirectory();
    const path = directory.file('data.db');
    const log = directory.file('calls.log');
    const database = openDatabase(path);
    database.exec(`CREATE TABLE records (id TEXT NOT NULL, doc TEXT) STRICT;
      INSERT INTO records SELECT value, hex(randomblob(2000)) FROM json_each('[1,2,3,4,5,6,7,8,9]')`);
    const view: SqlView = {
      name: 'notes',
      columns: ['id', 'doc'].map((name) => ({ name, type: 'stored', sql: `r.${name}` })),
      from: "main.records AS r WHERE r.id <> ''",
    };
    const under = tracingCommand([...READING, ...WRITING, ...NAMING, ...LEAVING], log, 4096);
    const reader = new SqlReader({ path, processes: 1, seconds: 120, under });
    // Sorts more than a page, and asks for local time: SQLite would write a file, the C library read one.
    const statement = `SELECT a.id, upper(a.doc || b.doc || c.doc) AS long, datetime(0, 'unixepoch', 'localtime')
      FROM notes a, notes b, notes c ORDER BY long DESC -- ${MARK}`;
    let rows = 0;
    for await (const part of reader.read(statement, [view])) rows += part.rows.length;
    expect(rows).toBe(729);
    await reader.stop();
    const [before, calls] = await eventually(() => {
      const lines = readFileSync(log, 'utf8').split('\n');
      const begun = lines.findIndex((line) => /\b(?:read|recvmsg)\(/.test(line) && line.includes(MARK));
      expect(begun).toBeGreaterThan(0);
      return [lines.slice(0, begun), lines.slice(begun + 1)] as const;
    }, PATIENCE);
    expect(before.filter((line) => line.includes(`"${path}"`) && /O_RDONLY|O_RDWR/.test(line))).toEqual([
      expect.stringContaining('O_RDONLY'),
    ]);
    const named = calls.flatMap((line) => (isOf(line, NAMING) ? (/"([^"]*)"/.exec(line)?.[1] ?? line) : []));
    const allowed = [path, `${path}-wal`, `${path}-shm`, PROCESSOR_CLOCK];
    expect(named.filter((name) => !allowed.includes(name))).toEqual([]);
    // Sockets, pipes and what wakes a thread are no files.
    const written = calls.filter(
      (line) => isOf(line, WRITING) && !/\(\d+<(?:socket|pipe|anon_inode|UNIX)[^>]*>+/.test(line),
    );
    expect(written).toEqual([]);
    expect(calls.filter((line) => isOf(line, LEAVING))).toEqual([]);
    expect(calls.some((line) => isOf(line, ['sendmsg', 'write']))).toBe(true);
    database.close();
  });
});

function isOf(line: string, calls: readonly string[]): boolean {
  return calls.includes(/^\d+\s+(\w+)\(/.exec(line)?.[1] ?? '');
}
