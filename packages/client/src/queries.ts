import type {
  Freshness,
  Json,
  NetworkQuery,
  Query,
  Record as StoredRecord,
  SubscriptionStanding,
} from '@holdfast/protocol';

/** A record with its document's type. */
export type RecordOf<T> = Omit<StoredRecord, 'doc'> & { readonly doc: T };

/** A document of which only parts may be there. */
export type Parts<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [Key in keyof T]?: Parts<T[Key]> }
    : T;

/** A query for records. */
export type PageQuery = Omit<Query, 'aggregate' | 'explain'>;

/** A query for groups: which records count, and what is counted. */
export type AggregateQuery = Pick<Query, 'where' | 'limit' | 'orderBy'> & {
  readonly aggregate: NonNullable<Query['aggregate']>;
};

/** A query for records over the network. */
export type NetworkPageQuery = Omit<NetworkQuery, 'aggregate' | 'explain'>;

/** A query for groups over the network. */
export type NetworkAggregateQuery = AggregateQuery &
  Pick<NetworkQuery, 'collection' | 'nodes' | 'agents' | 'resources'>;

/** The document a query answers with: whole, or in parts if the query selects. */
export type Selected<T, Q> = Q extends { readonly select: readonly string[] } ? Parts<T> : T;

/** One page of records; `next` goes into the next query as `after`, and is null on the last page. */
export interface Page<T> {
  readonly records: readonly RecordOf<T>[];
  readonly next: string | null;
}

/**
 * One page of records of the network; `freshness` is there if the query asks for it. `from` and `subscriptions` are there if the relay
 * could not be reached, and the copies the node keeps answered.
 */
export interface NetworkPage<T> extends Page<T> {
  readonly freshness?: Freshness;
  readonly from?: 'replica';
  readonly subscriptions?: readonly SubscriptionStanding[];
}

/** One group of an aggregate: the values grouped by, and the metrics, by name. */
export type Group = { readonly [name: string]: Json };
