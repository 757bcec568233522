import {
  type Aggregate,
  HoldfastError,
  limits,
  type Query,
  type QueryPlan,
  type Record as PublicRecord,
} from '@holdfast/protocol';

import { PageTaker } from '../page.ts';
import { compileAggregate, type Group } from './aggregate.ts';
import { compilePage, conditionsOf, type QueryScope, sourceOf } from './compile.ts';
import { invalid } from './field.ts';
import { toPublicRecord } from './listed-row.ts';
import { planOf } from './plan.ts';
import type { ListedRow } from './record-head.ts';
import type { Row } from './row-source.ts';
import { join, sql, type Sql } from './sql.ts';

/** What a query answers: a page of records, or groups, or how it would run. */
export type QueryResult =
  | { readonly records: readonly PublicRecord[]; readonly next: string | null }
  | { readonly groups: readonly Group[] }
  | { readonly plan: QueryPlan };

/** A query ready to run, wherever that is: its SQL, and what makes the answer of its rows. For one run. */
export interface RunnableQuery {
  readonly sql: Sql;
  /** Takes the next row; false: no further one is needed. */
  readonly take: (row: Row) => boolean;
  /** The answer, once there are no more rows or none is needed. Throws `invalid-request` for too many groups. */
  readonly result: () => QueryResult;
}

/** Compiles a query, or the question how it would run. Throws `invalid-request`. */
export function compileQuery(query: Query, scope: QueryScope): RunnableQuery {
  const { aggregate, explain } = query;
  const runnable = aggregate === undefined ? pageOf(query, scope) : groupsOf({ ...query, aggregate }, scope);
  return explain === true ? explained(runnable.sql) : runnable;
}

function pageOf(query: Query, scope: QueryScope): RunnableQuery {
  if ((query.limit ?? 0) > limits.pageRecords) {
    throw invalid('limit', `a page has at most ${limits.pageRecords} records; a stream may have more`);
  }
  const compiled = compilePage(query, scope);
  const page = new PageTaker<ListedRow>(compiled.limit, (row) => row.doc);
  return {
    sql: compiled.sql,
    take: (row) => page.take(row as ListedRow),
    result: () => {
      const last = page.rows.at(-1);
      return {
        records: page.rows.map((row) => toPublicRecord(row, query.select, scope)),
        next: last !== undefined && page.isMore ? compiled.tokenAfter(last) : null,
      };
    },
  };
}

function groupsOf(query: Query & { readonly aggregate: Aggregate }, scope: QueryScope): RunnableQuery {
  for (const part of ['select', 'after'] as const)
    if (query[part] !== undefined) throw invalid(part, 'is for records; an aggregate answers with groups');
  if ((query.limit ?? 0) > limits.queryGroups)
    throw invalid('limit', `an answer has at most ${limits.queryGroups} groups`);
  const compiled = compileAggregate(query, {
    names: scope.names,
    from: sourceOf(query, scope),
    conditions: conditionsOf(query, scope),
  });
  const groups: Group[] = [];
  return {
    sql: compiled.sql,
    take: (row) => groups.push(compiled.groupOf(row)) <= limits.queryGroups,
    result: () => {
      if (groups.length <= limits.queryGroups) return { groups };
      throw new HoldfastError('invalid-request', `aggregate: more than ${limits.queryGroups} groups`);
    },
  };
}

function explained(query: Sql): RunnableQuery {
  const steps: string[] = [];
  return {
    sql: join([sql('EXPLAIN QUERY PLAN'), query], ' '),
    take: ({ detail }) => steps.push(String(detail)) > 0,
    result: () => ({ plan: planOf(steps) }),
  };
}
