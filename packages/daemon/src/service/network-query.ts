import { HoldfastError, type NetworkQuery, NO_RESOURCE } from '@holdfast/protocol';

import type { SyncEngine } from '../sync/sync-engine.ts';
import type { RelayAnswerJson } from '../sync/transport.ts';

/** Who queries the network, as their token and headers say. */
export interface Asker {
  /** Null: the node's admin, who names no agent. */
  readonly agent: string | null;
  readonly resource: string;
  /** Whether the token is bound to that resource. */
  readonly isBound: boolean;
}

/**
 * Asks the relay a query for somebody on this node. What they may see is narrowed here; that the node asks for no more
 * than it may is the relay's to see to. Throws what `SyncEngine.query` throws;
 * `forbidden` for the freshness of answers to a token that is bound to a resource.
 */
export function queryNetwork(
  sync: SyncEngine,
  asker: Asker,
  query: NetworkQuery,
  signal: AbortSignal,
): Promise<RelayAnswerJson> {
  if (query.freshness === true && asker.isBound) {
    throw new HoldfastError('forbidden', 'the token is bound to one resource, and freshness tells of the whole agent');
  }
  return sync.query(narrowed(query, asker), signal);
}

function narrowed(query: NetworkQuery, { agent, resource, isBound }: Asker): NetworkQuery {
  return {
    ...query,
    ...(agent !== null && { agents: within(query.agents, agent) }),
    ...resourcesOf(query, { agent, resource, isBound }),
  };
}

// As everywhere, an agent's request that names no resource means the records without one; the query may name others.
function resourcesOf(
  { resources }: NetworkQuery,
  { agent, resource, isBound }: Asker,
): Pick<NetworkQuery, 'resources'> {
  if (isBound || resource !== NO_RESOURCE) return { resources: within(resources, resource) };
  return agent === null || resources !== undefined ? {} : { resources: [NO_RESOURCE] };
}

function within(wished: readonly string[] | undefined, only: string): string[] {
  return wished === undefined || wished.includes(only) ? [only] : [];
}
