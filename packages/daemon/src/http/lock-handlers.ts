import type { Handlers } from '@holdfast/http';
import type { daemonRoutes, DaemonRouteId } from '@holdfast/protocol';

import type { Locks } from '../service/locks.ts';
import { type DaemonCaller, scopeOf } from './caller.ts';
import { idempotencyOf } from './write-headers.ts';

type LockRouteId = Extract<DaemonRouteId, `lock.${string}` | `lease.${string}`>;

/** Answers the calls about locks. */
export function lockHandlers(locks: Locks): Handlers<Pick<typeof daemonRoutes, LockRouteId>, DaemonCaller> {
  return {
    'lock.acquire': async ({ identity, params, body, header, signal }) => {
      const key = idempotencyOf(header, () => '').idempotency?.key;
      return { json: await locks.acquire(scopeOf(identity), params.name, { ...body.value, key }, signal) };
    },
    'lock.list': async ({ identity, query, signal }) => ({ json: await locks.list(scopeOf(identity), query, signal) }),
    'lock.get': async ({ identity, params, query, signal }) => ({
      json: await locks.find(scopeOf(identity), params.name, query.scope, signal),
    }),
    'lease.renew': async ({ identity, params, body, signal }) => ({
      json: await locks.renew(scopeOf(identity), params.lease, body.value, signal),
    }),
    'lease.release': async ({ identity, params, signal }) => {
      await locks.release(scopeOf(identity), params.lease, signal);
      return {};
    },
  };
}
