// What a relay is made of, for whoever puts it together in another way: the simulation has its own time and network.

import type { Handlers } from '@holdfast/http';
import type { Now, relayRoutes } from '@holdfast/protocol';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';

import { feedHandlers } from './http/feed-handlers.ts';
import { lockHandlers, type LockRouteId } from './http/lock-handlers.ts';
import { type NodeRouteId, nodeHandlers } from './http/node-handlers.ts';
import { Access, type RelayCaller } from './service/access.ts';
import { type Alarm, Feed } from './service/feed.ts';
import { RelayMetrics } from './service/metrics.ts';
import { NetworkLocks } from './service/network-locks.ts';
import { Sync } from './service/sync.ts';
import { Warnings } from './service/warnings.ts';
import type { RelayStore } from './storage/relay-store.ts';

export { misfit, type Noted } from './service/epoch-file.ts';
export type { CopyPart } from './storage/relay-store.ts';
export { createSqliteRelay } from './storage/sqlite/create.ts';

/** What answering nodes needs. */
export interface NodeDeskOptions {
  readonly store: RelayStore;
  readonly leaseSeconds: number;
  readonly now: Now;
  /** See `SharedRights`. Default: none. */
  readonly sharedCollections?: readonly string[];
  /** See `FeedOptions`. */
  readonly alarm: Alarm;
  readonly log: Logger;
}

/** What answers nodes, without the HTTP before it: the handlers by the ids of their routes. */
export function nodeDesk(
  options: NodeDeskOptions,
): Handlers<Pick<typeof relayRoutes, NodeRouteId | LockRouteId | 'feed'>, RelayCaller> {
  const { store, leaseSeconds, now, sharedCollections = [], alarm, log } = options;
  const metrics = new RelayMetrics(new Registry(), store);
  const warnings = new Warnings(metrics, log, now);
  const disk = { assertRoom: () => undefined };
  return {
    ...nodeHandlers({
      access: new Access({ store, joinSeconds: 900, now }),
      sync: new Sync({ store, metrics, warnings, leaseSeconds, now }),
      disk,
    }),
    ...lockHandlers({ locks: new NetworkLocks(store), disk }),
    ...feedHandlers({
      feed: new Feed({ store, warnings, shared: { sharedAgents: [], sharedCollections }, alarm }),
    }),
  };
}
