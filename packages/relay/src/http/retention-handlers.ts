import type { Handlers, RetentionKeeper } from '@holdfast/http';
import type { relayRoutes, Statistics } from '@holdfast/protocol';

import type { RelayCaller } from '../service/access.ts';

/** The ids of the calls about how much is kept, and for how long. */
export type RetentionRouteId = 'retention.run' | 'retention.show' | 'statistics';

/** Answers the calls about how much the relay keeps, and for how long. */
export function retentionHandlers(
  keeper: RetentionKeeper,
  statistics: () => Promise<Statistics>,
): Handlers<Pick<typeof relayRoutes, RetentionRouteId>, RelayCaller> {
  return {
    'retention.run': async ({ body: { value } }) => ({
      json: await keeper.run({ isDryRun: value.dry_run === true, agent: value.agent }),
    }),
    'retention.show': async () => ({ json: await keeper.show() }),
    statistics: async () => ({ json: await statistics() }),
  };
}
