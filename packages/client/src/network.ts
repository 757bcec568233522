import type { NetworkQuery, QueryAnswer, QueryPlan } from '@holdfast/protocol';

import type { AnyDocument } from './collection.ts';
import type { Group, NetworkAggregateQuery, NetworkPageQuery, Page, RecordOf } from './queries.ts';
import { eachRecord, groupsOf, pageOf, planOf } from './query-answer.ts';

/** Queries over the network. Every call may throw `HoldfastProblem` and `HoldfastUnreachable`. */
export interface NetworkClient {
  /**
   * One page of records over the network, of 100 unless `limit` says otherwise. `T` is what their documents, or the parts
   * selected, are taken to be; nothing checks that they are.
   */
  query<T = AnyDocument>(query?: NetworkPageQuery): Promise<Page<T>>;
  /** All records, page by page; `limit` is the size of a page, not of the whole. */
  each<T = AnyDocument>(query?: NetworkPageQuery): AsyncIterable<RecordOf<T>>;
  /** Groups and what is computed over each. */
  aggregate(query: NetworkAggregateQuery): Promise<readonly Group[]>;
  /** How the relay would run a query: its steps, and the indexes it would use. */
  explain(query: NetworkPageQuery | NetworkAggregateQuery): Promise<QueryPlan>;
}

/** Opens queries over the network by whoever takes them. Nothing is sent. */
export function openNetwork(ask: (query: NetworkQuery) => Promise<QueryAnswer>): NetworkClient {
  return {
    query: async (query) => pageOf(await ask(query ?? {})),
    each: (query) => eachRecord(async (after = query?.after) => pageOf(await ask({ ...query, after }))),
    aggregate: async (query) => groupsOf(await ask(query)),
    explain: async (query) => planOf(await ask({ ...query, explain: true })),
  };
}
