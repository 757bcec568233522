import BetterSqlite3 from 'better-sqlite3';

import type { Database } from './open.ts';

/**
 * Opens a database only to look at it, also while another process has it open. It never writes to the database or its
 * log, never checkpoints and never deletes the log, not even when it is the last to close; if there is no log, an empty
 * one may be left behind. Throws SQLite's own errors.
 */
export function openForReading(path: string): Database {
  const database = new BetterSqlite3(path, { readonly: true, fileMustExist: true });
  for (const setting of ['trusted_schema = OFF', 'cell_size_check = ON', 'mmap_size = 0', 'cache_size = -2000']) {
    database.pragma(setting);
  }
  return database;
}
