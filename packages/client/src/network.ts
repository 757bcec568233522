import type { Freshness, NetworkAnswer, NetworkQuery, QueryPlan, RelayAnswer } from '@holdfast/protocol';

import type { AnyDocument } from './collection.ts';
import { unexpectedAnswer } from './problem.ts';
import type { Group, NetworkAggregateQuery, NetworkPage, NetworkPageQuery, RecordOf } from './queries.ts';
import { eachRecord, groupsOf, pageOf, planOf } from './query-answer.ts';

/** Queries over the network. Every call may throw `HoldfastProblem` and `HoldfastUnreachable`. */
export interface NetworkClient {
  /**
   * One page of records over the network, of 100 unless `limit` says otherwise. `T` is what their documents, or the parts
   * selected, are taken to be; nothing checks that they are.
   */
  query<T = AnyDocument>(query?: NetworkPageQuery): Promise<NetworkPage<T>>;
  /** All records, page by page; `limit` is the size of a page, not of the whole. */
  each<T = AnyDocument>(query?: NetworkPageQuery): AsyncIterable<RecordOf<T>>;
  /** Groups and what is computed over each. */
  aggregate(query: NetworkAggregateQuery): Promise<readonly Group[]>;
  /**
   * How fresh answers about these nodes and agents are, by what the relay has heard of each node: asked by itself, for what
   * `aggregate` and `each` do not tell.
   */
  freshness(query?: Pick<NetworkQuery, 'nodes' | 'agents'>): Promise<Freshness>;
  /** How the relay would run a query: its steps, and the indexes it would use. */
  explain(query: NetworkPageQuery | NetworkAggregateQuery): Promise<QueryPlan>;
}

/** Opens queries over the network by whoever takes them. Nothing is sent. */
export function openNetwork(ask: (query: NetworkQuery) => Promise<RelayAnswer | NetworkAnswer>): NetworkClient {
  return {
    ...openReads(ask),
    query: async (query) => networkPageOf(await ask(query ?? {})),
    freshness: async ({ nodes, agents } = {}) => {
      const { freshness } = networkPageOf(await ask({ nodes, agents, select: [], limit: 1, freshness: true }));
      if (freshness === undefined) throw unexpectedAnswer(200, 'nothing of freshness where it was asked for');
      return freshness;
    },
  };
}

/** What is asked of many agents' records in the same way wherever they are kept. Nothing is sent. */
export function openReads(
  ask: (query: NetworkQuery) => Promise<RelayAnswer | NetworkAnswer>,
): Pick<NetworkClient, 'each' | 'aggregate' | 'explain'> {
  return {
    each: (query) => eachRecord(async (after = query?.after) => pageOf(await ask({ ...query, after }))),
    aggregate: async (query) => groupsOf(await ask(query)),
    explain: async (query) => planOf(await ask({ ...query, explain: true })),
  };
}

function networkPageOf<T>(answer: RelayAnswer | NetworkAnswer): NetworkPage<T> {
  const page = pageOf<T>(answer);
  if ('from' in answer) return { ...page, from: answer.from, subscriptions: answer.subscriptions };
  const freshness = 'freshness' in answer ? answer.freshness : undefined;
  return { ...page, ...(freshness && { freshness }) };
}
