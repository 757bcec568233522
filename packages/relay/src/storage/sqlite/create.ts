import { renameSync, rmSync } from 'node:fs';

import { migrate, openDatabase, translateSqliteError } from '@holdfast/sqlite';

import type { TokenEntry } from '../relay-store.ts';
import { FeedPosition } from './feed-position.ts';
import { sqliteRelayMigrations } from './migrations/index.ts';
import { TokenTable } from './token-table.ts';

/** Makes a relay's database with its first token: whole under its name, or not at all. Throws like `openDatabase`. */
export function createSqliteRelay(path: string, admin: TokenEntry): void {
  const unfinished = `${path}.new`;
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${unfinished}${suffix}`, { force: true });
  const database = openDatabase(unfinished);
  try {
    migrate(database, sqliteRelayMigrations);
    // Making it gives the database its epoch.
    const feed = new FeedPosition(database);
    if (feed.next !== 1) throw new Error('a new database has a feed already');
    new TokenTable(database).add(admin);
  } catch (error) {
    throw translateSqliteError(error, `cannot make ${path}`);
  } finally {
    database.close();
  }
  renameSync(unfinished, path);
}
