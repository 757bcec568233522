import type { Json, Watched, WriteAnswer } from '@holdfast/protocol';

import type { Caller } from './caller.ts';
import type { DaemonRoutes, InputOf } from './calls.ts';
import type { ChangeOptions, PutOptions } from './collection.ts';
import { eachItem } from './each-item.ts';
import type { EventCaller } from './event-caller.ts';
import type { ResumeOptions } from './event-reader.ts';
import { found, orNothing } from './found.ts';
import type { FoundValue, KvEntry, KvListOptions } from './kv.ts';

/** Which records of a shared collection are followed, and from where. */
export interface WatchOptions extends ResumeOptions, NonNullable<InputOf<DaemonRoutes['watch']>['query']> {}

/** A record that changed, as it is now; `T` is what documents are taken to be. */
export interface WatchedRecord<T> extends Omit<Watched, 'doc'> {
  /** Undefined when it is deleted. */
  readonly doc: T | undefined;
  /** Where to go on from, as `after`. */
  readonly place: string;
}

/** A key that changed, as it is now. */
export interface WatchedKey<T> extends Omit<WatchedRecord<T>, 'id' | 'doc'> {
  readonly key: string;
  /** Undefined when it is deleted. */
  readonly value: T | undefined;
}

/**
 * What the agents of all nodes share under keys. Written here and read here at once, with or without the relay; of two writes of one
 * key the later one counts on every node, once they have heard of each other.
 */
export interface ContextClient {
  /** Sets a key to any JSON value. */
  put(key: string, value: unknown, options?: PutOptions): Promise<WriteAnswer>;
  /** Changes parts of a value: JSON Merge Patch. */
  patch(key: string, patch: unknown, options?: Omit<PutOptions, 'ifNoneMatch'>): Promise<WriteAnswer>;
  /** The value as this node has it, or undefined if there is none (any more). */
  get<T = Json>(key: string): Promise<FoundValue<T> | undefined>;
  /** Removes a key for all nodes; undefined if there is no such key (any more). */
  delete(key: string, options?: ChangeOptions): Promise<WriteAnswer | undefined>;
  /** Entries in order of their keys, page by page. */
  list<T = Json>(options?: KvListOptions): AsyncIterable<KvEntry<T>>;
  /**
   * What is under keys that begin with `prefix`, then what changes, on whichever node, until `signal` ends it; goes on by itself after
   * a cut. A key that changes faster than it is read is told of with its latest value, and with none twice.
   */
  watch<T = Json>(prefix?: string, options?: Omit<WatchOptions, 'prefix'>): AsyncIterable<WatchedKey<T>>;
}

/** Shared context behind these calls. Nothing is sent. */
export function openContext(call: Caller<DaemonRoutes>, events: EventCaller<DaemonRoutes>): ContextClient {
  return {
    put: async (key, body, { ifMatch, ifNoneMatch, ifFence, ...query } = {}) =>
      (await call('context.put', { params: { key }, query, body }, { ifMatch, ifNoneMatch, ifFence })).value,
    patch: async (key, body, { ifMatch, ifFence, ...query } = {}) =>
      (await call('context.patch', { params: { key }, query, body }, { ifMatch, ifFence })).value,
    get: <T>(key: string) => getValue<T>(call, key),
    delete: async (key, { ifMatch, ifFence, ...query } = {}) =>
      (await orNothing(call('context.delete', { params: { key }, query }, { ifMatch, ifFence })))?.value,
    list: (options) => listEntries(call, options ?? {}),
    watch: (prefix, options) => watchedKeys(events, { ...options, prefix }),
  };
}

async function getValue<T>(call: Caller<DaemonRoutes>, key: string): Promise<FoundValue<T> | undefined> {
  const read = await found(call('context.get', { params: { key } }));
  return read && { value: read.value as T, version: read.version };
}

function listEntries<T>(call: Caller<DaemonRoutes>, options: KvListOptions): AsyncGenerator<KvEntry<T>> {
  return eachItem(async (after) => {
    const { entries, next } = (await call('context.list', { query: { ...options, after } })).value;
    return { items: entries as KvEntry<T>[], next };
  });
}

async function* watchedKeys<T>(
  events: EventCaller<DaemonRoutes>,
  options: WatchOptions,
): AsyncGenerator<WatchedKey<T>, void> {
  for await (const { id: key, doc: value, ...rest } of watchRecords<T>(events, 'context', options))
    yield { key, value, ...rest };
}

/** Follows a shared collection: what is there, then what changes; each state of a record once. */
async function* watchRecords<T>(
  events: EventCaller<DaemonRoutes>,
  collection: string,
  { signal, after, ...query }: WatchOptions = {},
): AsyncGenerator<WatchedRecord<T>, void> {
  const versions = new Map<string, string>();
  for await (const { id: place, data } of events('watch', { params: { collection }, query }, { signal, after })) {
    // A state that is moved in the daemon's file, or read again after a cut, is no change.
    if (versions.get(data.id) === stateOf(data)) continue;
    versions.set(data.id, stateOf(data));
    yield { ...data, doc: data.doc as T | undefined, place };
  }
}

function stateOf({ version, deleted }: Watched): string {
  return deleted ? `${version} deleted` : version;
}
