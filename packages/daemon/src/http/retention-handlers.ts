import type { Handlers, RetentionKeeper } from '@holdfast/http';
import type { daemonRoutes } from '@holdfast/protocol';

import { nodeStatistics } from '../retention/node-statistics.ts';
import { servingAgents, type StatusSources } from '../service/node-status.ts';
import { type DaemonCaller, wholeAgentOf } from './caller.ts';

type RetentionRouteId = 'retention.run' | 'retention.show' | 'statistics';

/** Answers the calls about how much is kept, and for how long. */
export function retentionHandlers(
  keeper: RetentionKeeper,
  sources: StatusSources,
): Handlers<Pick<typeof daemonRoutes, RetentionRouteId>, DaemonCaller> {
  return {
    'retention.run': async ({ body: { value } }) => ({
      json: await keeper.run({ isDryRun: value.dry_run === true, agent: value.agent }),
    }),
    'retention.show': async () => ({ json: await keeper.show() }),
    statistics: async ({ identity }) => {
      const isOfNode = identity.role === 'admin' && identity.agent === null;
      const agents = isOfNode ? servingAgents(sources) : [wholeAgentOf(identity)];
      return { json: await nodeStatistics(agents, sources.files, sources.now()) };
    },
  };
}
