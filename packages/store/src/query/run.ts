import {
  type Aggregate,
  HoldfastError,
  limits,
  type Query,
  type QueryPlan,
  type Record as PublicRecord,
} from '@holdfast/protocol';
import type { Database } from '@holdfast/sqlite';

import { takePage } from '../page.ts';
import type { RecordColumns } from '../row.ts';
import { parseStored } from '../stored-json.ts';
import { compileAggregate, type Group } from './aggregate.ts';
import { compilePage, conditionsOf, type QueryScope, sourceOf } from './compile.ts';
import { addPercentiles } from './percentile.ts';
import { planOf } from './plan.ts';
import { project } from './project.ts';
import type { SqlValue } from './sql.ts';
import { toTimestamp } from './timestamp.ts';

/** A row as a query of records lists it; times are milliseconds. Owner columns are there on the relay only. */
export interface ListedColumns extends Omit<RecordColumns, 'seq' | 'deleted' | 'hash' | 'doc'> {
  readonly node?: string;
  readonly agent?: string;
  readonly doc: string;
}

/** What a query answers: a page of records, or groups, or how it would run. */
export type QueryResult =
  | { readonly records: readonly PublicRecord[]; readonly next: string | null }
  | { readonly groups: readonly Group[] }
  | { readonly plan: QueryPlan };

/** Runs a query, or tells how it would run. Synchronous: it blocks until it is done. Throws `invalid-request`. */
export function runQuery(database: Database, query: Query, scope: QueryScope): QueryResult {
  const { aggregate } = query;
  return aggregate === undefined
    ? runPage(database, query, scope)
    : runAggregate(database, { ...query, aggregate }, scope);
}

function runPage(database: Database, query: Query, scope: QueryScope): QueryResult {
  const page = compilePage(query, scope);
  if (query.explain === true) return { plan: planOf(database, page.sql) };
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
  query: Query & { readonly aggregate: Aggregate },
  scope: QueryScope,
): QueryResult {
  const { aggregate, explain } = query;
  const compiled = compileAggregate(aggregate, {
    names: scope.names,
    from: sourceOf(query, scope),
    conditions: conditionsOf(query, scope),
  });
  addPercentiles(database);
  if (explain === true) return { plan: planOf(database, compiled.sql) };
  const rows = database.prepare(compiled.sql.text).all(...compiled.sql.params) as Record<string, SqlValue>[];
  if (rows.length > limits.queryGroups) {
    throw new HoldfastError('invalid-request', `aggregate: more than ${limits.queryGroups} groups`);
  }
  return { groups: rows.map(compiled.groupOf) };
}

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
