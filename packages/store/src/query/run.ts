import { HoldfastError, type Json, limits, type Query, type Record as PublicRecord } from '@holdfast/protocol';
import type { Database } from '@holdfast/sqlite';

import { takePage } from '../page.ts';
import type { RecordColumns } from '../row.ts';
import { parseStored } from '../stored-json.ts';
import { compileAggregate, compilePage, type QueryScope } from './compile.ts';
import { project } from './project.ts';
import type { SqlValue } from './sql.ts';

/** A row as a query of records lists it; times are milliseconds. Owner columns are there on the relay only. */
export interface ListedColumns extends Omit<RecordColumns, 'seq' | 'deleted' | 'hash' | 'doc'> {
  readonly node?: string;
  readonly agent?: string;
  readonly doc: string;
}

/** What a query answers: a page of records, or groups. */
export type QueryResult =
  | { readonly records: readonly PublicRecord[]; readonly next: string | null }
  | { readonly groups: readonly Readonly<Record<string, Json>>[] };

/** Runs a query. Synchronous: it blocks until it is done. Throws `invalid-request`. */
export function runQuery(database: Database, query: Query, scope: QueryScope): QueryResult {
  return query.aggregate === undefined
    ? runPage(database, query, scope)
    : runAggregate(database, query, query.aggregate, scope);
}

function runPage(database: Database, query: Query, scope: QueryScope): QueryResult {
  const page = compilePage(query, scope);
  const found = database.prepare(page.sql.text).iterate(...page.sql.params);
  const { rows, isMore } = takePage(
    found as Iterable<ListedColumns & Record<string, SqlValue>>,
    page.limit,
    (row) => row.doc,
  );
  const last = rows.at(-1);
  return {
    records: rows.map((row) => toPublicRecord(row, query.select)),
    next: last !== undefined && isMore ? page.tokenAfter(last) : null,
  };
}

function runAggregate(
  database: Database,
  query: Query,
  aggregate: NonNullable<Query['aggregate']>,
  scope: QueryScope,
): QueryResult {
  const { text, params } = compileAggregate(query, aggregate, scope);
  const rows = database.prepare(text).all(...params) as Record<string, SqlValue>[];
  if (rows.length > limits.queryGroups) {
    throw new HoldfastError('invalid-request', `aggregate: more than ${limits.queryGroups} groups`);
  }
  const metricNames = Object.keys(aggregate.metrics);
  const groups = rows.map((row) => ({
    ...Object.fromEntries((aggregate.groupBy ?? []).map((name, index) => [name, groupValue(row, index)])),
    ...Object.fromEntries(metricNames.map((name, index) => [name, row[`metric${index}`] ?? 0])),
  }));
  return { groups };
}

function groupValue(row: Readonly<Record<string, SqlValue>>, index: number): Json {
  const value = row[`value${index}`] ?? null;
  const decode = groupDecoders[String(row[`type${index}`])];
  return decode === undefined || value === null ? value : decode(value);
}

/** How SQLite's values become JSON again, by the type SQLite names; others are as they are. */
const groupDecoders: Readonly<Record<string, (value: string | number) => Json>> = {
  true: () => true,
  false: () => false,
  array: (text) => parseStored(String(text)),
  object: (text) => parseStored(String(text)),
  time: (ms) => toTimestamp(Number(ms)),
};

function toPublicRecord(row: ListedColumns, select: readonly string[] | undefined): PublicRecord {
  const document = parseStored(row.doc) as PublicRecord['doc'];
  return {
    ...(row.node !== undefined && { node: row.node }),
    ...(row.agent !== undefined && { agent: row.agent }),
    ...(row.resource !== '' && { resource: row.resource }),
    collection: row.collection,
    id: row.id,
    version: row.version,
    created_at: toTimestamp(row.created_at),
    updated_at: toTimestamp(row.updated_at),
    ...(row.expires_at !== null && { expires_at: toTimestamp(row.expires_at) }),
    doc: select === undefined ? document : project(document, select),
  };
}

/** Milliseconds since 1970 as RFC 3339, UTC. Throws `file-damaged` for what no calendar has: nobody wrote that. */
export function toTimestamp(ms: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) throw new HoldfastError('file-damaged', 'a stored time is none');
  return date.toISOString();
}
