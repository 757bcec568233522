import type { Handlers } from '@holdfast/http';
import { type daemonRoutes, type DaemonRouteId, HoldfastError } from '@holdfast/protocol';

import type { Cache } from '../service/cache/cache.ts';
import { type DaemonCaller, scopeOf } from './caller.ts';

type CacheRouteId = Extract<DaemonRouteId, `cache.${string}`>;

/** Answers the calls about the cache. */
export function cacheHandlers(cache: Cache): Handlers<Pick<typeof daemonRoutes, CacheRouteId>, DaemonCaller> {
  return {
    'cache.get': (call) => {
      const scope = scopeOf(call.identity);
      const { key } = call.params;
      const text = cache.find(scope, key);
      if (text !== undefined) return { text };
      const { class: className = 'default', compute: seconds } = call.query;
      const asking = seconds === undefined ? undefined : { seconds, signal: call.signal };
      return missedAnswer(cache, scope, { key, class: className, asking });
    },
    'cache.put': ({ identity, params: { key }, query, body }) => {
      const { class: className = 'default', ttl: ttlSeconds, tags, collections, ticket } = query;
      const labels = { tags: listOf(tags), collections: listOf(collections) };
      cache.put(scopeOf(identity), key, { text: body.text, class: className, ttlSeconds, ticket, ...labels });
      return {};
    },
    'cache.delete': ({ identity, params: { key }, query: { ticket } }) => {
      if (ticket === undefined) cache.remove(scopeOf(identity), key);
      else cache.giveBack(scopeOf(identity), key, ticket);
      return {};
    },
    'cache.invalidate': async ({ identity, body }) => {
      await cache.invalidate(scopeOf(identity), body.value);
      return {};
    },
    'cache.figures': ({ identity }) => ({ json: { classes: cache.shown(scopeOf(identity)) } }),
  };
}

async function missedAnswer(cache: Cache, ...missed: Parameters<Cache['missed']>): Promise<{ readonly text: string }> {
  const asked = await cache.missed(...missed);
  if (asked.kind === 'value') return asked;
  const extensions = asked.kind === 'ticket' ? { ticket: asked.ticket } : {};
  throw new HoldfastError('cache-miss', 'the value is not there', { extensions });
}

function listOf(names: string | undefined): readonly string[] {
  return names === undefined ? [] : names.split(',');
}
