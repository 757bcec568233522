import type { Query } from '@holdfast/protocol';

import type { MetadataColumns } from './field.ts';
import { compileFilter } from './filter.ts';
import { afterRow, compileOrder, decodePageToken, encodePageToken, type OrderKey, queryFingerprint } from './order.ts';
import { all, join, sql, type Sql, type SqlValue } from './sql.ts';

/** The table a query runs on, and what of it the caller may see. */
export interface QueryScope {
  /** What stands after FROM. The document's column is called `doc`. */
  readonly from: string;
  readonly columns: MetadataColumns;
  /** Holds for every row the caller may see, deleted and expired ones left out. */
  readonly visible: Sql;
  /** Names what the caller may see, the same from page to page: page tokens are tied to it. */
  readonly name: string;
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
export function conditionsOf({ where }: Query, { visible, columns }: QueryScope): Sql[] {
  return where === undefined ? [visible] : [visible, compileFilter(where, columns)];
}

/** Compiles a page of records. Throws `invalid-request`. */
export function compilePage(query: Query, scope: QueryScope): PageQuery {
  const keys = compileOrder(query, scope.columns, scope.tieBreakers);
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
        sql(`FROM ${scope.from} WHERE`),
        all(conditions),
        sql('ORDER BY'),
        join(keys.map(orderTerm), ', '),
        sql('LIMIT ?', limit + 1),
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

function orderTerm(key: OrderKey): Sql {
  return { ...key.sql, text: `${key.sql.text} ${key.isDescending ? 'DESC' : 'ASC'}` };
}
