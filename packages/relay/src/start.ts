import { createService, type Service, urlOf, writeServiceFile } from '@holdfast/http';
import { type Now, type RelayConfig, relayRoutes } from '@holdfast/protocol';
import { ensurePrivateDirectory, lockDirectory } from '@holdfast/sqlite';
import type { Logger } from 'pino';
import { collectDefaultMetrics, Registry } from 'prom-client';

import { authenticateWith } from './http/authenticate.ts';
import { deskHandlers } from './http/desk-handlers.ts';
import { allowedHosts } from './http/hosts.ts';
import { nodeHandlers } from './http/node-handlers.ts';
import { Access } from './service/access.ts';
import { ExpiryTimer } from './service/expiry-timer.ts';
import { RelayMetrics } from './service/metrics.ts';
import { readinessChecks } from './service/readiness.ts';
import { makeDesk } from './service/relay-service.ts';
import { openRelayStore } from './service/setup.ts';
import { Sync } from './service/sync.ts';
import type { RelayStore } from './storage/relay-store.ts';

/** What a relay runs with. */
export interface RelayOptions {
  readonly config: RelayConfig;
  /** Prepared by `initRelay`; it stands in for `data.dir`. */
  readonly directory: string;
  readonly log: Logger;
  /** Of this software, for the OpenAPI document. */
  readonly version: string;
  /** The wall clock; default `Date.now`. */
  readonly now?: Now;
}

/** A relay that serves. */
export interface RunningRelay {
  /** Where it listens: `http://127.0.0.1:8001`. */
  readonly url: string;
  /** Answers what is under way, then gives everything up. What was acknowledged is on the disk either way. */
  stop(): Promise<void>;
  /** Whether it could answer and write now. */
  healthy(): Promise<boolean>;
}

/**
 * Starts a relay: takes the directory for this process, brings the database up to date, listens, and writes
 * `service.json` (0600: pid, url, start) into the directory for local tools.
 *
 * Throws `directory-locked`, `directory-unsafe`, `bad-configuration` (no relay was prepared there), `schema-newer`, `sqlite-unsafe`,
 * `storage-failed`, or Node's error when the address cannot be listened on. Nothing is left open then.
 */
export async function startRelay(options: RelayOptions): Promise<RunningRelay> {
  const { config, directory, log, now = Date.now } = options;
  ensurePrivateDirectory(directory);
  const lock = lockDirectory(directory);
  let store: RelayStore | undefined;
  try {
    store = openRelayStore(directory, config);
    const { service, listen } = assemble(options, store, now);
    const url = await listen();
    const timer = new ExpiryTimer({ store, seconds: config['expiry.seconds'], now, log });
    const removeServiceFile = writeServiceFile(directory, { url, socket: null }, now());
    return running({
      url,
      service,
      store,
      timer,
      closed: () => {
        removeServiceFile();
        lock.release();
      },
    });
  } catch (error) {
    await store?.close();
    lock.release();
    throw error;
  }
}

interface Assembled {
  readonly service: Service;
  readonly listen: () => Promise<string>;
}

function assemble({ config, directory, log, version }: RelayOptions, store: RelayStore, now: Now): Assembled {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const metrics = new RelayMetrics(registry, store);
  const access = new Access({ store, joinSeconds: config['join.seconds'], now });
  const sync = new Sync({ store, metrics, log, leaseSeconds: config['lease.seconds'], now });
  const parts = { access, sync, desk: makeDesk(store, now) };
  let hosts: ReadonlySet<string> = new Set();
  const service = createService({
    name: 'Holdfast relay',
    version,
    description: 'Gathers what every node writes into one network-wide database, and answers queries over it.',
    routes: relayRoutes,
    handlers: { ...nodeHandlers(parts), ...deskHandlers(parts) },
    authenticate: authenticateWith(access),
    config,
    log,
    metrics: registry,
    allowedHosts: () => hosts,
    checks: readinessChecks(store, directory),
  });
  const listen = async (): Promise<string> => {
    const host = config['listen.host'];
    const { port } = await service.listen({ host, port: config['listen.port'] });
    hosts = allowedHosts(host, port, config['listen.hosts']);
    return urlOf(host, port);
  };
  return { service, listen };
}

interface Parts {
  readonly url: string;
  readonly service: Service;
  readonly store: RelayStore;
  readonly timer: ExpiryTimer;
  readonly closed: () => void;
}

function running({ url, service, store, timer, closed }: Parts): RunningRelay {
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    await service.stop();
    await timer.stop();
    await store.close();
    closed();
  };
  return {
    url,
    stop: () => (stopped ??= stop()),
    healthy: async () => {
      if (stopped !== undefined) return false;
      return store.check().then(
        () => true,
        () => false,
      );
    },
  };
}
