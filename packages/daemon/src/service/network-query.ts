import { HoldfastError, isHoldfastError, type NetworkQuery } from '@holdfast/protocol';

import type { SyncEngine } from '../sync/sync-engine.ts';
import type { RelayAnswerJson } from '../sync/transport.ts';
import { type Asker, narrowed } from './asker.ts';
import type { Replica } from './replica/replica.ts';

/** What answers queries over the network. */
export interface NetworkSources {
  readonly sync: Pick<SyncEngine, 'query'>;
  readonly replica: Replica;
}

/**
 * Asks the relay a query for somebody on this node, and while it cannot be reached the replica, if that covers the query. Which
 * resources they may see is narrowed here; for which agent is told to the relay. Throws what `SyncEngine.query` throws, and `forbidden`
 * for the freshness of answers to a token that is bound to a resource.
 */
export async function queryNetwork(
  { sync, replica }: NetworkSources,
  asker: Asker,
  query: NetworkQuery,
  signal: AbortSignal,
): Promise<RelayAnswerJson> {
  if (query.freshness === true && asker.isBound) {
    throw new HoldfastError('forbidden', 'the token is bound to one resource, and freshness tells of the whole agent');
  }
  if (replica.isTokenOf(query.after)) return replica.query(query, asker, signal);
  const { agent } = asker;
  try {
    return await sync.query({ ...narrowed(query, asker), ...(agent !== null && { for_agent: agent }) }, signal);
  } catch (error) {
    if (!isHoldfastError(error) || error.code !== 'relay-unreachable') throw error;
    // A page that began at the relay goes on there alone.
    if (query.after === undefined && replica.covers(query, asker)) return replica.query(query, asker, signal);
    throw query.collection === undefined ? error : withAdvice(error, query.collection);
  }
}

function withAdvice(error: HoldfastError, collection: string): HoldfastError {
  const advice = `a subscription of this node to "${collection}" would answer meanwhile`;
  return new HoldfastError(error.code, `${error.message}; ${advice}`, { cause: error, extensions: error.extensions });
}
