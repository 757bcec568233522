import type { Query } from '@holdfast/protocol';
import type { Database } from '@holdfast/sqlite';

import type { QueryScope } from './compile.ts';
import { addPercentiles } from './percentile.ts';
import { prepared } from './prepared.ts';
import { compileQuery, type QueryResult } from './runnable.ts';
import type { Row, RowSource } from './row-source.ts';

/** Runs a query, or tells how it would run. Synchronous: it blocks until it is done. Throws `invalid-request`. */
export function runQuery(database: Database, query: Query, scope: QueryScope): QueryResult {
  const { sql, take, result } = compileQuery(query, scope);
  addPercentiles(database);
  const rows = prepared(database, sql.text).iterate(...sql.params) as IterableIterator<Row>;
  for (const row of rows) if (!take(row)) break;
  return result();
}

/** Runs a query elsewhere, or tells how it would run. Throws `invalid-request` and what `RowSource.rows` throws. */
export async function runQueryIn(
  source: RowSource,
  query: Query,
  scope: QueryScope,
  signal?: AbortSignal,
): Promise<QueryResult> {
  const { sql, take, result } = compileQuery(query, scope);
  for await (const rows of source.rows(sql, signal)) if (!rows.every(take)) break;
  return result();
}
