import type { Handlers } from '@holdfast/http';
import type { relayRoutes } from '@holdfast/protocol';

import type { RelayCaller } from '../service/access.ts';
import { relayStatus, type RelayStatusSources } from '../service/relay-status.ts';

/** Answers the call about the relay itself. */
export function statusHandlers(sources: RelayStatusSources): Handlers<Pick<typeof relayRoutes, 'status'>, RelayCaller> {
  return {
    status: () => ({ json: relayStatus(sources) }),
  };
}
