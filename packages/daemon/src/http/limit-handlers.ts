import { type Handlers, rateLimitHeaders } from '@holdfast/http';
import { type daemonRoutes, HoldfastError } from '@holdfast/protocol';

import type { RateLimits } from '../service/limits/rate-limits.ts';
import { type DaemonCaller, scopeOf } from './caller.ts';

/** Answers the calls about rate limits. */
export function limitHandlers(limits: RateLimits): Handlers<Pick<typeof daemonRoutes, 'limit.take'>, DaemonCaller> {
  return {
    'limit.take': ({ identity, params: { key }, body }) => {
      const { limit, window_seconds: windowSeconds, cost = 1 } = body.value;
      const { allowed, remaining, resetSeconds, retryAfterSeconds } = limits.take(scopeOf(identity), key, {
        limit,
        windowSeconds,
        cost,
      });
      const state = { limit, remaining, reset_seconds: resetSeconds };
      if (allowed)
        return { headers: rateLimitHeaders(state), json: { allowed, remaining, reset_seconds: resetSeconds } };
      const detail = `of ${limit} in ${windowSeconds} s ${remaining} are left, and this takes ${cost}`;
      throw new HoldfastError('rate-limited', detail, { retryAfterSeconds, extensions: { allowed, ...state } });
    },
  };
}
