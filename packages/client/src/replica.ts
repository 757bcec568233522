import type { NetworkQuery, QueryPlan, ReplicaAnswer, SubscriptionStanding } from '@holdfast/protocol';

import type { Caller } from './caller.ts';
import type { AnswerOf, DaemonRoutes, InputOf } from './calls.ts';
import type { AnyDocument } from './collection.ts';
import { orNothing } from './found.ts';
import { openReads } from './network.ts';
import type { Group, NetworkAggregateQuery, NetworkPageQuery, Page, RecordOf } from './queries.ts';
import { pageOf } from './query-answer.ts';

/** A subscription of the node, and how far it is. */
export type Subscription = AnswerOf<DaemonRoutes['subscription.put']>;
/** Which records of other agents a node keeps a copy of. */
export type SubscriptionScope = InputOf<DaemonRoutes['subscription.put']>['body'];

/** One page of the copies a node keeps, and how old they may be. */
export interface ReplicaPage<T> extends Page<T> {
  readonly subscriptions: readonly SubscriptionStanding[];
}

/** A record of the copies: of those that `node` and `agent` leave open the one written last. */
export interface ReplicaKey {
  readonly collection: string;
  readonly id: string;
  readonly node?: string | undefined;
  readonly agent?: string | undefined;
}

/** The copies that a node keeps of what other agents wrote; read with or without the relay. */
export interface ReplicaClient {
  /** One page of records, of 100 unless `limit` says otherwise. Throws `not-subscribed`. */
  query<T = AnyDocument>(query?: NetworkPageQuery): Promise<ReplicaPage<T>>;
  /** All records, page by page; `limit` is the size of a page, not of the whole. */
  each<T = AnyDocument>(query?: NetworkPageQuery): AsyncIterable<RecordOf<T>>;
  /** Groups and what is computed over each. */
  aggregate(query: NetworkAggregateQuery): Promise<readonly Group[]>;
  /** How the node would run a query: its steps, and the indexes it would use. */
  explain(query: NetworkPageQuery | NetworkAggregateQuery): Promise<QueryPlan>;
  /** One record; undefined if there is none. */
  get<T = AnyDocument>(key: ReplicaKey): Promise<RecordOf<T> | undefined>;
}

/** What the node keeps a copy of; for its admin. */
export interface SubscriptionsClient {
  /** All, with how far each is. */
  list(): Promise<readonly Subscription[]>;
  /** Makes one, or gives it another scope. */
  put(name: string, scope: SubscriptionScope): Promise<Subscription>;
  /** Ends one; false if there is none. What no other covers is gone then. */
  remove(name: string): Promise<boolean>;
}

/** Opens the copies a node keeps. Nothing is sent. */
export function openReplica(call: Caller<DaemonRoutes>): ReplicaClient {
  const ask = async (query: NetworkQuery): Promise<ReplicaAnswer> =>
    (await call('replica.query', { body: query }, { repeat: 'free' })).value;
  return {
    ...openReads(ask),
    query: async <T>(query: NetworkPageQuery = {}) => {
      const answer = await ask(query);
      return { ...pageOf<T>(answer), subscriptions: answer.subscriptions };
    },
    get: async <T>({ collection, id, ...query }: ReplicaKey) => {
      const answered = await orNothing(call('replica.get', { params: { collection, id }, query }));
      return answered?.value as RecordOf<T> | undefined;
    },
  };
}

/** Opens the subscriptions of a node. Nothing is sent. */
export function openSubscriptions(call: Caller<DaemonRoutes>): SubscriptionsClient {
  return {
    list: async () => (await call('subscription.list', {})).value.subscriptions,
    put: async (name, scope) => (await call('subscription.put', { params: { name }, body: scope })).value,
    remove: async (name) => (await orNothing(call('subscription.remove', { params: { name } }))) !== undefined,
  };
}
