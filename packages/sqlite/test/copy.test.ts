import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';

import { type TemporaryDirectory, temporaryDirectory } from '@holdfast/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { copyDatabase, type CopyProgress, type Database, openDatabase } from '../src/index.ts';

/** Some MiB, so that a copy takes many steps. */
const ROWS = 3000;

describe('a copy of an open database', () => {
  let directory: TemporaryDirectory;
  let database: Database;
  let to: string;
  beforeEach(async () => {
    directory = await temporaryDirectory();
    to = directory.file('copy.db');
    database = openDatabase(directory.file('live.db'));
    database.exec('CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT) STRICT');
    const insert = database.prepare('INSERT INTO rows (text) VALUES (?)');
    database.transaction(() => {
      for (let row = 0; row < ROWS; row += 1) insert.run('x'.repeat(3000));
    })();
  });
  afterEach(async () => {
    database.close();
    await directory[Symbol.asyncDispose]();
  });

  const rowsOf = (path: string): unknown => {
    const copy = openDatabase(path);
    try {
      expect(copy.pragma('integrity_check', { simple: true })).toBe('ok');
      return copy.prepare('SELECT count(*), count(DISTINCT text) FROM rows').raw().get();
    } finally {
      copy.close();
    }
  };
  const left = (): string[] => readdirSync(directory.path).filter((name) => name.startsWith('copy'));

  it('is private, whole and by itself, and says how far it is', async () => {
    const progress: CopyProgress[] = [];
    await copyDatabase(database, to, (step) => progress.push(step));
    expect(statSync(to).mode & 0o777).toBe(0o600);
    expect(progress.length).toBeGreaterThan(5);
    expect(progress.map(({ copiedPages }) => copiedPages)).toEqual(
      progress.map(({ copiedPages }) => copiedPages).toSorted((left, right) => left - right),
    );
    expect(left()).toEqual(['copy.db']);
    expect(rowsOf(to)).toEqual([ROWS, 1]);
  });

  it('has what is committed on the connection while it is made, all of a transaction or nothing', async () => {
    const insert = database.prepare('INSERT INTO rows (text) VALUES (?)');
    const change = database.prepare('UPDATE rows SET text = ? WHERE id = ?');
    let transactions = 0;
    await copyDatabase(database, to, () => {
      transactions += 1;
      database.transaction(() => {
        insert.run(`new ${transactions}`);
        // Both a page that was copied already and one that was not.
        change.run('changed', 1);
        change.run('changed', ROWS);
      })();
    });
    expect(transactions).toBeGreaterThan(5);
    const [rows] = rowsOf(to) as [number];
    expect(rows).toBe(ROWS + transactions);
    const copy = openDatabase(to);
    expect(copy.prepare("SELECT count(*) FROM rows WHERE text = 'changed'").pluck().get()).toBe(2);
    copy.close();
  });

  it('writes over nothing', async () => {
    writeFileSync(to, 'precious');
    await expect(copyDatabase(database, to)).rejects.toMatchObject({ code: 'storage-failed' });
    expect(readFileSync(to, 'utf8')).toBe('precious');
    const nowhere = directory.file('no/such/directory.db');
    await expect(copyDatabase(database, nowhere)).rejects.toMatchObject({ code: 'storage-failed' });
  });

  it('leaves nothing when it is broken off, and the database goes on', async () => {
    const stop = new Error('broken off');
    const breakOff = (): never => {
      throw stop;
    };
    await expect(copyDatabase(database, to, breakOff)).rejects.toBe(stop);
    expect(left()).toEqual([]);
    database.exec("INSERT INTO rows (text) VALUES ('after')");
    await copyDatabase(database, to);
    expect(rowsOf(to)).toEqual([ROWS + 1, 2]);
  });

  it('fails and leaves nothing when the database is closed meanwhile', async () => {
    let isClosed = false;
    const copying = copyDatabase(database, to, () => {
      if (!isClosed) setImmediate(() => database.close());
      isClosed = true;
    });
    await expect(copying).rejects.toMatchObject({ code: 'storage-failed' });
    expect(isClosed).toBe(true);
    expect(existsSync(to)).toBe(false);
  });
});
