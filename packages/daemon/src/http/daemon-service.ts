import type { BackupKeeper } from '@holdfast/backup';
import { createService, type RetentionKeeper, type Service } from '@holdfast/http';
import { CHANNEL_MESSAGES, daemonRoutes, type NodeConfig } from '@holdfast/protocol';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';

import type { Rebuilding } from '../restore/assemble.ts';
import type { JoiningOptions } from '../service/joining.ts';
import type { StatusSources } from '../service/node-status.ts';
import type { Cache } from '../service/cache/cache.ts';
import type { Commander } from '../service/commander/commander.ts';
import type { Channels } from '../service/channels.ts';
import { DurableChannels } from '../service/durable-channels.ts';
import type { Locks } from '../service/locks.ts';
import type { RateLimits } from '../service/limits/rate-limits.ts';
import type { Records } from '../service/records.ts';
import { Sessions } from '../service/sessions/sessions.ts';
import { backupHandlers } from './backup-handlers.ts';
import { batchHandlers } from './batch-handler.ts';
import { authenticateBy } from './caller.ts';
import { channelHandlers } from './channel-handlers.ts';
import { lockHandlers } from './lock-handlers.ts';
import { cacheHandlers } from './cache-handlers.ts';
import { commanderHandlers } from './commander-handlers.ts';
import { collectionHandlers } from './collection-handlers.ts';
import { limitHandlers } from './limit-handlers.ts';
import { networkHandlers } from './network-handlers.ts';
import { nodeHandlers } from './node-handlers.ts';
import { rebuildingHandlers } from './rebuilding-handlers.ts';
import { recruiterHandlers } from './recruiter-handlers.ts';
import { readHandlers } from './read-handlers.ts';
import { type ReplicaServices, replicaHandlers } from './replica-handlers.ts';
import { retentionHandlers } from './retention-handlers.ts';
import { type SharedServices, sharedHandlers } from './shared-handlers.ts';
import { sessionHandlers } from './session-handlers.ts';
import { writeHandlers } from './write-handlers.ts';

/** What the daemon's HTTP interface answers from. */
export interface DaemonServiceOptions {
  readonly status: StatusSources;
  readonly records: Records;
  readonly commander: Commander;
  readonly shared: SharedServices;
  readonly replica: ReplicaServices;
  readonly channels: Channels;
  readonly locks: Locks;
  readonly cache: Cache;
  readonly limits: RateLimits;
  readonly joining: JoiningOptions;
  readonly backups: BackupKeeper;
  readonly retention: RetentionKeeper;
  readonly rebuilding: Rebuilding;
  readonly config: NodeConfig;
  readonly log: Logger;
  readonly registry: Registry;
  /** `Host` values that mean this daemon. */
  readonly allowedHosts: () => ReadonlySet<string>;
}

/** The daemon's HTTP interface, not yet listening. */
export function daemonService(options: DaemonServiceOptions): Service {
  const {
    status,
    records,
    commander,
    channels,
    shared,
    joining,
    backups,
    retention,
    rebuilding,
    config,
    log,
    registry,
    allowedHosts,
  } = options;
  const { agents, sync, disk, database, now, version } = status;
  const durable = new DurableChannels({
    channels,
    records,
    watches: shared.watches,
    kept: () => shared.space.count(CHANNEL_MESSAGES),
    now,
  });
  return createService({
    name: 'Holdfast daemon',
    description: 'Local-first storage for the agents of this machine',
    version,
    routes: daemonRoutes,
    handlers: {
      ...writeHandlers(records, now),
      ...readHandlers(records),
      ...networkHandlers({ sync, replica: options.replica.replica }),
      ...replicaHandlers(options.replica),
      ...batchHandlers(records, now),
      ...collectionHandlers(status, shared.space),
      ...commanderHandlers(commander),
      ...channelHandlers({ channels, durable, watches: shared.watches }),
      ...lockHandlers(options.locks),
      ...recruiterHandlers(records, now),
      ...sharedHandlers(shared),
      ...cacheHandlers(options.cache),
      ...limitHandlers(options.limits),
      ...sessionHandlers(new Sessions(records, now)),
      ...nodeHandlers(status, joining),
      ...rebuildingHandlers(status.agents, rebuilding),
      ...backupHandlers(backups),
      ...retentionHandlers(retention, status),
    },
    authenticate: authenticateBy(agents),
    config,
    log,
    metrics: registry,
    allowedHosts,
    checks: { database: () => database.check(), disk: () => disk.check() },
  });
}
