import type { BuiltInDocuments, Json, Query, QueryAnswer, QueryPlan, WriteAnswer } from '@holdfast/protocol';

import type { DaemonRoutes } from './calls.ts';
import type { Caller } from './caller.ts';
import type { EventCaller } from './event-caller.ts';
import { found, orNothing } from './found.ts';
import type { LineCaller } from './line-caller.ts';
import type { AggregateQuery, Group, Page, PageQuery, RecordOf, Selected } from './queries.ts';
import { eachRecord, groupsOf, pageOf, planOf } from './query-answer.ts';
import { randomKey } from './random-key.ts';
import { streamedRecords } from './record-stream.ts';
import { type WatchedRecord, type WatchOptions, watchRecords } from './watch.ts';

/** How long a write waits before it is answered. */
export interface WaitOptions {
  /** `relay`: wait until the relay holds it too; the answer's `ack` tells whether that came about. Default `local`. */
  readonly ack?: 'local' | 'relay' | undefined;
  /** Seconds to wait for the relay. Default 2. */
  readonly timeout?: number | undefined;
}

/** A write that is done under locks. */
export interface FencedOptions extends WaitOptions {
  /** `ifFence` of the lock, or of several with commas: `fence-stale`, and nothing is written, once a later holder wrote to this agent. */
  readonly ifFence?: string | undefined;
}

/** A write that holds only if the record has the version given; otherwise `precondition-failed`. */
export interface ChangeOptions extends FencedOptions {
  readonly ifMatch?: string | undefined;
}

/** What a patch may carry. */
export interface PatchOptions extends ChangeOptions {
  /** Seconds the record lives from now on. */
  readonly ttl?: number | undefined;
}

/** What a put may carry. */
export interface PutOptions extends PatchOptions {
  /** `*`: write only if there is no record; otherwise `precondition-failed`. */
  readonly ifNoneMatch?: '*' | undefined;
}

/** What a create may carry. */
export interface CreateOptions extends FencedOptions {
  readonly ttl?: number | undefined;
  /** The same key and document again, within a day, gives the first answer. Default a random key for each call. */
  readonly idempotencyKey?: string | undefined;
}

/** A document as it was read. */
export interface Found<T> {
  readonly doc: T;
  readonly version: string;
}

/** A JSON Merge Patch (RFC 7396) of a document: null removes, objects merge, everything else replaces. */
export type MergePatch<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [Key in keyof T]?: MergePatch<T[Key]> | null }
    : T;

/**
 * One collection of the agent. `T` is what its documents are taken to be; nothing checks that they are.
 * Every call may throw `HoldfastProblem` and `HoldfastUnreachable`; which writes are sent again is told by `connect`.
 */
export interface CollectionClient<T> {
  /** Writes the whole document. */
  put(id: string, doc: T, options?: PutOptions): Promise<WriteAnswer>;
  /** The document, or undefined if there is none (any more). */
  get(id: string): Promise<Found<T> | undefined>;
  /** Changes parts of a document. Throws `record-not-found` if there is none. */
  patch(id: string, patch: MergePatch<T>, options?: PatchOptions): Promise<WriteAnswer>;
  /** Deletes; undefined if there is no such record (any more). */
  delete(id: string, options?: ChangeOptions): Promise<WriteAnswer | undefined>;
  /** Writes under an id made by the daemon, which the answer tells. */
  create(doc: T, options?: CreateOptions): Promise<WriteAnswer>;
  /** One page, of 100 records unless `limit` says otherwise. */
  query<const Q extends PageQuery = Record<never, never>>(query?: Q): Promise<Page<Selected<T, Q>>>;
  /** All records, page by page; `limit` is the size of a page, not of the whole. */
  each<const Q extends PageQuery = Record<never, never>>(query?: Q): AsyncIterable<RecordOf<Selected<T, Q>>>;
  /**
   * All records, or `limit` of them, in answers that are streamed: faster than `each` for many, and in constant memory. Throws
   * `HoldfastUnreachable` when an answer was cut; what came before it is whole then.
   */
  stream<const Q extends PageQuery = Record<never, never>>(query?: Q): AsyncIterable<RecordOf<Selected<T, Q>>>;
  /** Groups and what is computed over each. */
  aggregate(query: AggregateQuery): Promise<readonly Group[]>;
  /** How the daemon would run a query: its steps, and the indexes it would use. */
  explain(query: PageQuery | AggregateQuery): Promise<QueryPlan>;
  /**
   * Follows a shared collection: what is there, then what changes, on whichever node, until `signal` ends it; goes on by itself after a
   * cut. A record that changes faster than it is read is told of with its latest state, and with none twice. Throws `not-shared`.
   */
  watch(options?: WatchOptions): AsyncIterable<WatchedRecord<T>>;
}

/** What documents are taken to be when nothing is said. */
export type AnyDocument = Json;

/** A collection that ships with Holdfast and says what its documents hold. */
export type BuiltInName = keyof BuiltInDocuments;

/** Opens a collection. Nothing is sent. */
export function openCollection<T>(
  call: Caller<DaemonRoutes>,
  { lines, events }: { readonly lines: LineCaller<DaemonRoutes>; readonly events: EventCaller<DaemonRoutes> },
  collection: string,
): CollectionClient<T> {
  return {
    ...openReads<T>(call, collection),
    stream: (query) =>
      streamedRecords(
        (reach) => lines('record.query', { params: { collection }, body: { ...query, ...reach } }),
        query,
      ),
    watch: (options) => watchRecords<T>(events, collection, options),
    ...openWrites<T>(call, collection),
  };
}

type Reads<T> = Pick<CollectionClient<T>, 'get' | 'query' | 'each' | 'aggregate' | 'explain'>;

function openReads<T>(call: Caller<DaemonRoutes>, collection: string): Reads<T> {
  const ask = async (query: Query): Promise<QueryAnswer> => {
    const { value } = await call('record.query', { params: { collection }, body: query }, { repeat: 'free' });
    return value;
  };
  return {
    get: async (id) => {
      const read = await found(call('record.get', { params: { collection, id } }));
      return read && { doc: read.value as T, version: read.version };
    },
    query: async (query) => pageOf(await ask(query ?? {})),
    each: (query) => eachRecord(async (after = query?.after) => pageOf(await ask({ ...query, after }))),
    aggregate: async (query) => groupsOf(await ask(query)),
    explain: async (query) => planOf(await ask({ ...query, explain: true })),
  };
}

type Writes<T> = Omit<CollectionClient<T>, keyof Reads<T> | 'stream' | 'watch'>;

function openWrites<T>(call: Caller<DaemonRoutes>, collection: string): Writes<T> {
  return {
    put: async (id, doc, { ifMatch, ifNoneMatch, ifFence, ...query } = {}) => {
      const { value } = await call(
        'record.put',
        { params: { collection, id }, query, body: doc },
        { ifMatch, ifNoneMatch, ifFence },
      );
      return value;
    },
    patch: async (id, patch, { ifMatch, ifFence, ...query } = {}) => {
      // Without a condition a patch sent again could undo what others wrote in between.
      const repeat = ifMatch === undefined ? 'twice' : 'same';
      const { value } = await call(
        'record.patch',
        { params: { collection, id }, query, body: patch },
        { ifMatch, ifFence, repeat },
      );
      return value;
    },
    delete: async (id, { ifMatch, ifFence, ...query } = {}) => {
      const target = { params: { collection, id }, query };
      const deleted = await orNothing(call('record.delete', target, { ifMatch, ifFence }));
      return deleted?.value;
    },
    create: async (doc, { idempotencyKey = randomKey(), ifFence, ...query } = {}) => {
      const input = { params: { collection }, query, body: doc };
      const { value } = await call('record.create', input, { idempotencyKey, ifFence });
      return value;
    },
  };
}
