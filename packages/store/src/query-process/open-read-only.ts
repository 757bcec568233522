import { DatabaseSync } from 'node:sqlite';

import { addPercentiles } from '../query/percentile.ts';

/** How long a read waits for a lock that another process holds for a moment, such as while it checkpoints. */
const BUSY_MS = 5000;

/**
 * Opens a database that another process writes to, for reading only, with the functions queries use. Rows come as arrays, and
 * integers whole. What a query sorts is kept in memory. Throws SQLite's errors.
 */
export function openReadOnly(path: string): DatabaseSync {
  const database = new DatabaseSync(path, {
    readOnly: true,
    allowExtension: false,
    returnArrays: true,
    readBigInts: true,
    timeout: BUSY_MS,
  });
  database.enableDefensive(true);
  const settings = ['trusted_schema = OFF', 'cell_size_check = ON', 'mmap_size = 0', 'temp_store = MEMORY'];
  for (const setting of settings) database.exec(`PRAGMA ${setting}`);
  // Its types know of no state between two steps but an SQL value; it takes any.
  addPercentiles({ aggregate: (name, percentile) => database.aggregate(name, percentile as never) });
  return database;
}
