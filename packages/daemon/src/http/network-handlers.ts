import type { Handlers } from '@holdfast/http';
import type { daemonRoutes } from '@holdfast/protocol';

import { queryNetwork } from '../service/network-query.ts';
import type { SyncEngine } from '../sync/sync-engine.ts';
import type { DaemonCaller } from './caller.ts';

/** Answers the call that the relay answers. */
export function networkHandlers(sync: SyncEngine): Handlers<Pick<typeof daemonRoutes, 'network.query'>, DaemonCaller> {
  return {
    'network.query': async ({ identity, body, signal }) => ({
      json: await queryNetwork(sync, identity, body.value, signal),
    }),
  };
}
