import { HoldfastError, type Json, type Query } from '@holdfast/protocol';

import { BOUND } from './bound.ts';
import type { Names } from './field.ts';
import { matchOf } from '../declared/search.ts';
import { compileFilter } from './filter.ts';
import { afterRow, compileOrder, decodePageToken, encodePageToken, type OrderKey, queryFingerprint } from './order.ts';
import { all, concat, join, sql, type Sql, type SqlValue } from './sql.ts';

/** The table a query runs on, and what of it the caller may see. */
export interface QueryScope {
  /** What stands after FROM. The document's column is called `doc`. */
  readonly from: Sql;
  /** The integer key of the records table, with the table's name. */
  readonly key: string;
  /** The one collection the query is of; undefined: of all. */
  readonly ofCollection: string | undefined;
  readonly names: Names;
  /** Whether there is a table of words: without one no record has any. */
  readonly hasTexts: boolean;
  /** Holds for every row the caller may see, deleted and expired ones left out. */
  readonly visible: Sql;
  /** Names what the caller may see, the same from page to page: page tokens are tied to it. */
  readonly name: string;
  /** What of a document is shown. Default: all. */
  readonly shown?: ((document: Json, collection: string) => Json) | undefined;
  /** What a page of records lists, in SQL. */
  readonly listed: string;
  /** Columns that together tell any two rows apart. */
  readonly tieBreakers: readonly string[];
}

/** A page query: run it, and `next` gives the token of the page after, from the last row shown. */
export interface PageQuery {
  readonly sql: Sql;
  /** Rows to show; the query asks for one more, to know whether there are more. */
  readonly limit: number;
  /** The page token for what follows a row. */
  readonly tokenAfter: (row: Readonly<Record<string, SqlValue>>) => string;
}

const DEFAULT_PAGE_RECORDS = 100;

/** What holds of the records a query is about. Throws `invalid-request`. */
export function conditionsOf({ where }: Query, { visible, names }: QueryScope): Sql[] {
  return where === undefined ? [visible] : [visible, compileFilter(where, names)];
}

/** The table a query runs on, and beside each record how well its words fit, for a search. Throws `invalid-request`. */
export function sourceOf({ search }: Query, scope: QueryScope): Sql {
  const { from, key, ofCollection } = scope;
  if (search === undefined) return from;
  assertSearchable(scope);
  const match = sql('?', matchOf(search, ofCollection));
  if (!scope.hasTexts) return concat`${from} JOIN (SELECT 0 AS found_record, 0 AS found_rank WHERE 0) AS found`;
  return concat`${from} JOIN (SELECT rowid AS found_record, bm25(texts, 0.0, 1.0) AS found_rank FROM texts
    WHERE texts MATCH ${match}) AS found ON found_record = ${sql(key)}`;
}

/** Compiles a page of records. Throws `invalid-request`. */
export function compilePage(query: Query, scope: QueryScope): PageQuery {
  const isRanked = query.search !== undefined && query.orderBy === undefined;
  const keys = isRanked ? [bestFirst, ...compileOrder(query, scope)] : compileOrder(query, scope);
  const fingerprint = queryFingerprint(query, scope.name);
  const limit = query.limit ?? DEFAULT_PAGE_RECORDS;
  const conditions = conditionsOf(query, scope);
  if (query.after !== undefined) {
    conditions.push(afterRow(keys, decodePageToken(query.after, fingerprint, keys.length)));
  }
  const listedKeys = keys.map((key, index) => ({ ...key.sql, text: `${key.sql.text} AS key${index}` }));
  return {
    sql: join(
      [
        sql('SELECT'),
        join([sql(scope.listed), ...listedKeys], ', '),
        sql('FROM'),
        sourceOf(query, scope),
        sql('WHERE'),
        all(conditions),
        sql('ORDER BY'),
        join(keys.map(orderTerm), ', '),
        sql(`LIMIT ${BOUND}`, limit + 1),
      ],
      ' ',
    ),
    limit,
    tokenAfter: (row) =>
      encodePageToken(
        fingerprint,
        keys.map((_, index) => row[`key${index}`] ?? null),
      ),
  };
}

function assertSearchable({ ofCollection, names: { collection } }: QueryScope): void {
  if (ofCollection === undefined || (collection?.search?.length ?? 0) > 0) return;
  const message = `"${ofCollection}" declares no field to search`;
  throw new HoldfastError('invalid-request', `search: ${message}`, { issues: [{ path: 'search', message }] });
}

/** The rank of what fits better is lower. */
const bestFirst: OrderKey = { sql: sql('found_rank'), isDescending: false };

function orderTerm(key: OrderKey): Sql {
  return { ...key.sql, text: `${key.sql.text} ${key.isDescending ? 'DESC' : 'ASC'}` };
}
