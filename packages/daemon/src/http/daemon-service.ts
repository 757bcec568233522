import { createService, type Service } from '@holdfast/http';
import { daemonRoutes, type NodeConfig } from '@holdfast/protocol';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';

import type { JoiningOptions } from '../service/joining.ts';
import type { StatusSources } from '../service/node-status.ts';
import { Records } from '../service/records.ts';
import { batchHandlers } from './batch-handler.ts';
import { authenticateBy } from './caller.ts';
import { nodeHandlers } from './node-handlers.ts';
import { readHandlers } from './read-handlers.ts';
import { writeHandlers } from './write-handlers.ts';

/** What the daemon's HTTP interface answers from. */
export interface DaemonServiceOptions {
  readonly status: StatusSources;
  readonly joining: JoiningOptions;
  readonly config: NodeConfig;
  readonly log: Logger;
  readonly registry: Registry;
  /** `Host` values that mean this daemon. */
  readonly allowedHosts: () => ReadonlySet<string>;
}

/** The daemon's HTTP interface, not yet listening. */
export function daemonService(options: DaemonServiceOptions): Service {
  const { status, joining, config, log, registry, allowedHosts } = options;
  const { agents, files, sync, database, now, version } = status;
  const records = new Records(files, sync);
  return createService({
    name: 'Holdfast daemon',
    description: 'Local-first storage for the agents of this machine',
    version,
    routes: daemonRoutes,
    handlers: {
      ...writeHandlers(records, now),
      ...readHandlers(records),
      ...batchHandlers(records, now),
      ...nodeHandlers(status, joining),
    },
    authenticate: authenticateBy(agents),
    config,
    log,
    metrics: registry,
    allowedHosts,
    checks: { database: () => database.check() },
  });
}
