import type { Handlers } from '@holdfast/http';
import type { daemonRoutes, DaemonRouteId } from '@holdfast/protocol';

import type { Sessions } from '../service/sessions/sessions.ts';
import { type DaemonCaller, scopeOf } from './caller.ts';

type SessionRouteId = Extract<DaemonRouteId, `session.${string}`>;

/** Answers the calls about users' sessions. */
export function sessionHandlers(sessions: Sessions): Handlers<Pick<typeof daemonRoutes, SessionRouteId>, DaemonCaller> {
  return {
    'session.create': async ({ identity, body }) => ({ json: await sessions.create(scopeOf(identity), body.value) }),
    'session.list': ({ identity, query }) => ({ json: sessions.list(scopeOf(identity), query) }),
    'session.check': async ({ identity, body }) => ({ json: await sessions.check(scopeOf(identity), body.value.key) }),
    'session.change': async ({ identity, body: { value } }) => ({
      json: await sessions.change(scopeOf(identity), value.key, value.data),
    }),
    'session.revoke': async ({ identity, body }) => ({
      json: { revoked: await sessions.revoke(scopeOf(identity), body.value) },
    }),
  };
}
