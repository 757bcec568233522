import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

import {
  dumpSchema,
  migrate,
  type Migration,
  openDatabase,
  schemaVersion,
  translateSqliteError,
} from '@holdfast/sqlite';
import { temporaryDirectory } from '@holdfast/testkit';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, test } from 'vitest';

const failed = expect.objectContaining({ code: 'storage-failed' });

const steps: readonly Migration[] = [
  { name: 'first', sql: 'CREATE TABLE first (a TEXT NOT NULL) STRICT' },
  { name: 'second', sql: "CREATE TABLE second (b INTEGER) STRICT; INSERT INTO first VALUES ('from second')" },
];

function hashOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

describe('opening a database', () => {
  test('sets everything durability rests on, also in a file that was made with other settings', async () => {
    await using directory = await temporaryDirectory();
    const path = directory.file('a.db');
    const plain = new BetterSqlite3(path);
    plain.pragma('journal_mode = DELETE');
    plain.pragma('synchronous = NORMAL');
    plain.exec('CREATE TABLE old (a)');
    plain.close();
    const database = openDatabase(path);
    const read = (name: string): unknown => database.pragma(name, { simple: true });
    expect(read('journal_mode')).toBe('wal');
    expect(read('synchronous')).toBe(2);
    expect(read('foreign_keys')).toBe(1);
    expect(read('busy_timeout')).toBe(5000);
    expect(read('trusted_schema')).toBe(0);
    expect(read('cell_size_check')).toBe(1);
    expect(read('mmap_size')).toBe(0);
    expect(read('journal_size_limit')).toBe(67_108_864);
    expect(read('secure_delete')).toBe(1);
    database.close();
  });

  test('still has FULL after a transaction and after the file was opened before', async () => {
    await using directory = await temporaryDirectory();
    const path = directory.file('a.db');
    openDatabase(path).close();
    const database = openDatabase(path);
    database.transaction(() => database.exec('CREATE TABLE a (b)'))();
    expect(database.pragma('synchronous', { simple: true })).toBe(2);
    expect(database.pragma('auto_vacuum', { simple: true })).toBe(2);
    database.close();
  });

  test('fails with a code for a file that is none, a directory and a place that is not there', async () => {
    await using directory = await temporaryDirectory();
    const path = directory.file('text.db');
    writeFileSync(path, 'this is not a database but some text that goes on for long enough. '.repeat(100));
    const before = hashOf(path);
    expect(() => openDatabase(path)).toThrow(failed);
    expect(hashOf(path)).toBe(before);
    mkdirSync(directory.file('folder.db'));
    expect(() => openDatabase(directory.file('folder.db'))).toThrow(failed);
    expect(() => openDatabase(directory.file('nowhere/a.db'))).toThrow(failed);
  });
});

describe('migrations', () => {
  test('are applied once, in order', async () => {
    await using directory = await temporaryDirectory();
    const path = directory.file('a.db');
    const first = openDatabase(path);
    migrate(first, steps.slice(0, 1));
    expect(schemaVersion(first)).toBe(1);
    first.close();
    const second = openDatabase(path);
    migrate(second, steps);
    migrate(second, steps);
    expect(schemaVersion(second)).toBe(2);
    expect(second.prepare('SELECT a FROM first').pluck().all()).toEqual(['from second']);
    second.close();
  });

  test('that fail leave the schema that was there, and nothing of the steps before them either', async () => {
    await using directory = await temporaryDirectory();
    const database = openDatabase(directory.file('a.db'));
    const broken = { name: 'third', sql: 'CREATE TABLE third (c); INSERT INTO nowhere VALUES (1)' };
    expect(() => migrate(database, [...steps, broken])).toThrow(failed);
    expect(() => migrate(database, [...steps, broken])).toThrow(/migration 3 \(third\)/);
    expect(schemaVersion(database)).toBe(0);
    const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").pluck().all();
    expect(tables).toEqual([]);
    expect(database.inTransaction).toBe(false);
    database.close();
  });

  test('refuse a file of a newer version and leave its bytes alone', async () => {
    await using directory = await temporaryDirectory();
    const path = directory.file('a.db');
    const newer = openDatabase(path);
    migrate(newer, steps);
    newer.close();
    const before = hashOf(path);
    const older = openDatabase(path);
    expect(() => migrate(older, steps.slice(0, 1))).toThrow(expect.objectContaining({ code: 'schema-newer' }));
    older.close();
    expect(hashOf(path)).toBe(before);
  });

  test('can be dumped, the same each time', () => {
    const dump = dumpSchema(steps);
    expect(dump).toBe(
      '-- Schema 2\n\nCREATE TABLE first (a TEXT NOT NULL) STRICT;\n\nCREATE TABLE second (b INTEGER) STRICT;\n',
    );
    expect(dumpSchema(steps)).toBe(dump);
  });
});

describe('an SQLite failure', () => {
  test('gets the code that tells what to do', () => {
    const error = (code: string): unknown =>
      translateSqliteError(new BetterSqlite3.SqliteError('secret row', code), 'it');
    expect(error('SQLITE_FULL')).toMatchObject({ code: 'disk-full', message: 'it: SQLITE_FULL' });
    expect(error('SQLITE_IOERR_WRITE')).toMatchObject({ code: 'storage-failed', message: 'it: SQLITE_IOERR_WRITE' });
    const bug = new TypeError('ours');
    expect(translateSqliteError(bug, 'it')).toBe(bug);
  });
});
