import type { Json, WriteAnswer } from '@holdfast/protocol';

import type { Caller } from './caller.ts';
import type { AnswerOf, DaemonRoutes } from './calls.ts';
import type { ChangeOptions, PutOptions } from './collection.ts';
import { eachItem } from './each-item.ts';
import { found, orNothing } from './found.ts';

/** A value as it was read. */
export interface FoundValue<T> {
  readonly value: T;
  readonly version: string;
}

/** An entry of a listing. */
export type KvEntry<T> = Omit<AnswerOf<DaemonRoutes['kv.list']>['entries'][number], 'value'> & { readonly value: T };

/** What to list. */
export interface KvListOptions {
  /** Only keys that begin so. Default all. */
  readonly prefix?: string | undefined;
  /** The size of a page, not of the whole. */
  readonly limit?: number | undefined;
}

/** The agent's key-value pairs. */
export interface KvClient {
  /** Sets a key to any JSON value. */
  put(key: string, value: unknown, options?: PutOptions): Promise<WriteAnswer>;
  /** The value, or undefined if there is none (any more). */
  get<T = Json>(key: string): Promise<FoundValue<T> | undefined>;
  /** Removes a key; undefined if there is no such key (any more). */
  delete(key: string, options?: ChangeOptions): Promise<WriteAnswer | undefined>;
  /** Entries in order of their keys, page by page. */
  list<T = Json>(options?: KvListOptions): AsyncIterable<KvEntry<T>>;
}

/** Whose routes: the agent's own pairs, or the shared context. */
type KvFamily = 'kv' | 'context';

/** The key-value pairs behind the calls of this family. Nothing is sent. */
export function openKv(call: Caller<DaemonRoutes>, family: KvFamily = 'kv'): KvClient {
  return {
    put: async (key, body, { ifMatch, ifNoneMatch, ifFence, ...query } = {}) =>
      (await call(`${family}.put`, { params: { key }, query, body }, { ifMatch, ifNoneMatch, ifFence })).value,
    get: <T>(key: string) => getValue<T>(call, family, key),
    delete: async (key, { ifMatch, ifFence, ...query } = {}) =>
      (await orNothing(call(`${family}.delete`, { params: { key }, query }, { ifMatch, ifFence })))?.value,
    list: (options) => listEntries(call, family, options ?? {}),
  };
}

async function getValue<T>(
  call: Caller<DaemonRoutes>,
  family: KvFamily,
  key: string,
): Promise<FoundValue<T> | undefined> {
  const read = await found(call(`${family}.get`, { params: { key } }));
  return read && { value: read.value as T, version: read.version };
}

function listEntries<T>(
  call: Caller<DaemonRoutes>,
  family: KvFamily,
  options: KvListOptions,
): AsyncGenerator<KvEntry<T>> {
  return eachItem(async (after) => {
    const { entries, next } = (await call(`${family}.list`, { query: { ...options, after } })).value;
    return { items: entries as KvEntry<T>[], next };
  });
}
