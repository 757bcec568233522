/**
 * Runs compiled queries on one database, for reading only, and answers by messages (`serveQueries`): a query that takes long, a
 * crash of SQLite or a full heap hold up or end this process and nothing else. Argument: the database's path.
 */
import type { DatabaseSync } from 'node:sqlite';

import type { SqlValue } from '../query/sql.ts';
import { openReadOnly } from './open-read-only.ts';
import { arrayRows, type RawValue } from './row-chunks.ts';
import { serveQueries } from './serve-queries.ts';

const [path = ''] = process.argv.slice(2);
let database: DatabaseSync | undefined;

serveQueries({
  start: ({ text, params }) => {
    const statement = (database ??= openReadOnly(path)).prepare(text);
    const columns = statement.columns().map(({ name }) => name);
    return { columns, rows: arrayRows(statement.iterate(...params)), valueOf };
  },
});

// As better-sqlite3 gives them: integers beyond 2^53 as the nearest double. Compiled queries give no blobs.
function valueOf(value: RawValue): SqlValue {
  if (typeof value === 'bigint') return Number(value);
  return value instanceof Uint8Array ? null : value;
}
