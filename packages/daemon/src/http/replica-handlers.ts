import type { Handlers } from '@holdfast/http';
import type { daemonRoutes } from '@holdfast/protocol';

import type { Replica } from '../service/replica/replica.ts';
import type { Subscriptions } from '../service/replica/subscriptions.ts';
import type { DaemonCaller } from './caller.ts';

type ReplicaRouteId =
  | 'subscription.list'
  | 'subscription.put'
  | 'subscription.remove'
  | 'replica.query'
  | 'replica.get';

/** What the node keeps a copy of, and how it is read. */
export interface ReplicaServices {
  readonly subscriptions: Subscriptions;
  readonly replica: Replica;
}

/** Answers the calls about copies of what other agents wrote. */
export function replicaHandlers({
  subscriptions,
  replica,
}: ReplicaServices): Handlers<Pick<typeof daemonRoutes, ReplicaRouteId>, DaemonCaller> {
  return {
    'subscription.list': () => ({ json: { subscriptions: subscriptions.list() } }),
    'subscription.put': async ({ params, body }) => ({ json: await subscriptions.put(params.name, body.value) }),
    'subscription.remove': async ({ params }) => {
      await subscriptions.remove(params.name);
      return {};
    },
    'replica.query': async ({ identity, body, signal }) => ({
      json: await replica.query(body.value, identity, signal),
    }),
    'replica.get': async ({ identity, params, query }) => ({
      json: await replica.read({ ...params, ...query }, identity),
    }),
  };
}
