import type { Handlers } from '@holdfast/http';
import type { daemonRoutes } from '@holdfast/protocol';

import { type NetworkSources, queryNetwork } from '../service/network-query.ts';
import type { DaemonCaller } from './caller.ts';

/** Answers the call that the relay answers, as long as it can be reached. */
export function networkHandlers(
  sources: NetworkSources,
): Handlers<Pick<typeof daemonRoutes, 'network.query'>, DaemonCaller> {
  return {
    'network.query': async ({ identity, body, signal }) => ({
      json: await queryNetwork(sources, identity, body.value, signal),
    }),
  };
}
