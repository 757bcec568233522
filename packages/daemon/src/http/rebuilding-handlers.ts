import type { Handlers } from '@holdfast/http';
import type { daemonRoutes } from '@holdfast/protocol';

import type { Rebuilding } from '../restore/assemble.ts';
import type { Agents } from '../service/agents.ts';
import type { DaemonCaller } from './caller.ts';

/** The calls that rebuild agents' files. */
export type RebuildingRouteId = 'agent.restore' | 'agent.restore.status' | 'node.adopt';

/** Answers the calls that restore an agent and take over a node. */
export function rebuildingHandlers(
  agents: Agents,
  { restores, adoption }: Rebuilding,
): Handlers<Pick<typeof daemonRoutes, RebuildingRouteId>, DaemonCaller> {
  return {
    'agent.restore': ({ params: { agent }, body: { value } }) => {
      agents.assertExists(agent);
      restores.begin(agent, value.from === 'relay' ? { from: 'relay' } : { from: 'backup', backup: value.backup });
      return { json: restores.status(agent) };
    },
    'agent.restore.status': ({ params: { agent } }) => {
      agents.assertExists(agent);
      return { json: restores.status(agent) };
    },
    'node.adopt': async ({ body: { value } }) => {
      const names = await adoption.adopt(value);
      return { json: { node: value.name, relay: value.relay, agents: names } };
    },
  };
}
