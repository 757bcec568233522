import type { CacheClassFigures, CacheClassName, Invalidation, Json } from '@holdfast/protocol';

import type { Caller } from './caller.ts';
import type { DaemonRoutes } from './calls.ts';
import { HoldfastProblem } from './errors.ts';

/** How a value is cached. */
export interface CacheOptions {
  /** What kind of value it is, which says how long it is kept. Default `default`: ten minutes. */
  readonly class?: CacheClassName | undefined;
  /** Seconds it is kept, whatever its class. */
  readonly ttl?: number | undefined;
  /** To be invalidated by. */
  readonly tags?: readonly string[] | undefined;
  /** Collections it is computed from: a write of the agent to one of them invalidates it. */
  readonly collections?: readonly string[] | undefined;
}

/** How a value is computed once for many. */
export interface RememberOptions extends CacheOptions {
  /** How long computing may take; others wait as long. Default 30. */
  readonly seconds?: number | undefined;
}

/** What the agent has computed, kept for a time. */
export interface CacheClient {
  /** A value; undefined if it is not there (any more). `class` says what a miss counts as. */
  get<T = Json>(key: string, options?: Pick<CacheOptions, 'class'>): Promise<T | undefined>;
  /** Caches any JSON value. */
  put(key: string, value: unknown, options?: CacheOptions): Promise<void>;
  /** Removes a value, if it is there. */
  delete(key: string): Promise<void>;
  /**
   * The value, or what `compute` gives, which is cached. Of all who ask at once, in whatever process, one computes and the others
   * wait for it, `seconds` at most: then they compute for themselves. What was computed before it was invalidated is
   * returned, but not kept. Throws what `compute` throws: then the next who waits computes.
   */
  remember<T>(key: string, compute: () => Promise<T> | T, options?: RememberOptions): Promise<T>;
  /** Removes all values with a tag, with keys that begin so, or that depend on a collection. */
  invalidate(which: Invalidation): Promise<void>;
  /** How often values were found since the daemon started, by class. */
  figures(): Promise<Readonly<Record<CacheClassName, CacheClassFigures>>>;
}

/** What was found, or the ticket of who is to compute it. */
type Sought<T> = { readonly value: T } | { readonly ticket: string | undefined };

const DEFAULT_SECONDS = 30;

/** Opens the agent's cache. Nothing is sent. */
export function openCache(call: Caller<DaemonRoutes>): CacheClient {
  const put = async (key: string, body: unknown, options: CacheOptions, ticket?: string): Promise<void> => {
    await call('cache.put', { params: { key }, query: { ...putQuery(options), ticket }, body });
  };
  return {
    get: async <T>(key: string, { class: className }: Pick<CacheOptions, 'class'> = {}) => {
      const sought = await seek<T>(call, key, { class: className });
      return 'value' in sought ? sought.value : undefined;
    },
    put: (key, value, options = {}) => put(key, value, options),
    delete: async (key) => {
      await call('cache.delete', { params: { key } });
    },
    remember: async <T>(key: string, compute: () => Promise<T> | T, options: RememberOptions = {}) => {
      const { seconds = DEFAULT_SECONDS, ...wish } = options;
      const sought = await seek<T>(call, key, { class: wish.class, compute: seconds });
      if ('value' in sought) return sought.value;
      const { ticket } = sought;
      if (ticket === undefined) return compute();
      const value = await orGiveBack(call, { key, ticket }, compute);
      await unlessEnded(put(key, value, wish, ticket));
      return value;
    },
    invalidate: async (which) => {
      await call('cache.invalidate', { body: which }, { repeat: 'same' });
    },
    figures: async () => (await call('cache.figures', {})).value.classes,
  };
}

function putQuery({ class: className, ttl, tags = [], collections = [] }: CacheOptions): {
  readonly [name: string]: string | number | undefined;
} {
  return { class: className, ttl, tags: listText(tags), collections: listText(collections) };
}

function listText(names: readonly string[]): string | undefined {
  return names.length === 0 ? undefined : names.join(',');
}

async function seek<T>(
  call: Caller<DaemonRoutes>,
  key: string,
  query: { readonly class: CacheClassName | undefined; readonly compute?: number },
): Promise<Sought<T>> {
  try {
    const waitMs = (query.compute ?? 0) * 1000;
    return { value: (await call('cache.get', { params: { key }, query }, { waitMs })).value as T };
  } catch (error) {
    if (!(error instanceof HoldfastProblem) || error.code !== 'cache-miss') throw error;
    const { ticket } = error.extensions;
    return { ticket: typeof ticket === 'string' ? ticket : undefined };
  }
}

async function orGiveBack<T>(
  call: Caller<DaemonRoutes>,
  { key, ticket }: { readonly key: string; readonly ticket: string },
  compute: () => Promise<T> | T,
): Promise<T> {
  try {
    return await compute();
  } catch (error) {
    // It ends by itself when this fails: what `compute` threw is what matters.
    await call('cache.delete', { params: { key }, query: { ticket } }).catch(() => undefined);
    throw error;
  }
}

async function unlessEnded(putting: Promise<void>): Promise<void> {
  try {
    await putting;
  } catch (error) {
    if (!(error instanceof HoldfastProblem) || error.code !== 'ticket-ended') throw error;
  }
}
