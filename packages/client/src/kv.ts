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

/** The key-value pairs behind these calls. Nothing is sent. */
export function openKv(call: Caller<DaemonRoutes>): KvClient {
  return {
    put: async (key, body, { ifMatch, ifNoneMatch, ifFence, ...query } = {}) => {
      const { value } = await call('kv.put', { params: { key }, query, body }, { ifMatch, ifNoneMatch, ifFence });
      return value;
    },
    get: <T>(key: string) => getValue<T>(call, key),
    delete: async (key, { ifMatch, ifFence, ...query } = {}) => {
      const deleted = await orNothing(call('kv.delete', { params: { key }, query }, { ifMatch, ifFence }));
      return deleted?.value;
    },
    list: (options) => listEntries(call, options ?? {}),
  };
}

async function getValue<T>(call: Caller<DaemonRoutes>, key: string): Promise<FoundValue<T> | undefined> {
  const read = await found(call('kv.get', { params: { key } }));
  return read && { value: read.value as T, version: read.version };
}

function listEntries<T>(call: Caller<DaemonRoutes>, options: KvListOptions): AsyncGenerator<KvEntry<T>> {
  return eachItem(async (after) => {
    const { entries, next } = (await call('kv.list', { query: { ...options, after } })).value;
    return { items: entries as KvEntry<T>[], next };
  });
}
