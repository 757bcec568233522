import { type BackupKeeper, settleRestoreAtStart } from '@holdfast/backup';
import {
  addDiskGauges,
  addLockMetrics,
  createService,
  reportDisk,
  type RetentionKeeper,
  type Service,
  urlOf,
  writeServiceFile,
} from '@holdfast/http';
import { MemoryFanout } from '@holdfast/live';
import { type HoldfastError, type Now, type RelayConfig, relayRoutes } from '@holdfast/protocol';
import { DiskWatch, ensurePrivateDirectory, lockDirectory, refuseRotten } from '@holdfast/sqlite';
import { QueryPool, SqlReader, streamBounds } from '@holdfast/store';
import type { Logger } from 'pino';
import { collectDefaultMetrics, Registry } from 'prom-client';

import { keepRelayBackups } from './backup/backups.ts';
import { authenticateWith } from './http/authenticate.ts';
import { backupHandlers } from './http/backup-handlers.ts';
import { callHandlers } from './http/call-handlers.ts';
import { channelHandlers } from './http/channel-handlers.ts';
import { deskHandlers } from './http/desk-handlers.ts';
import { feedHandlers } from './http/feed-handlers.ts';
import { allowedHosts } from './http/hosts.ts';
import { lockHandlers } from './http/lock-handlers.ts';
import { nodeHandlers } from './http/node-handlers.ts';
import { queryHandler } from './http/query-handler.ts';
import { retentionHandlers } from './http/retention-handlers.ts';
import { statusHandlers } from './http/status-handlers.ts';
import { keepRelayRetention, relayStatistics } from './retention/relay-retention.ts';
import { Access } from './service/access.ts';
import { CallMetrics } from './service/call-metrics.ts';
import { Calls } from './service/calls.ts';
import { ChannelMetrics } from './service/channel-metrics.ts';
import { Channels } from './service/channels.ts';
import { scrubRelay } from './scrub/scrub.ts';
import { EpochFile } from './service/epoch-file.ts';
import { Feed } from './service/feed.ts';
import { ExpiryTimer } from './service/expiry-timer.ts';
import { RelayMetrics } from './service/metrics.ts';
import { MemorySwitchboard } from './service/memory-switchboard.ts';
import { NetworkLocks } from './service/network-locks.ts';
import { readinessChecks } from './service/readiness.ts';
import { makeDesk } from './service/relay-service.ts';
import type { RelayStatusSources } from './service/relay-status.ts';
import { databaseFileIn, openRelayStore } from './service/setup.ts';
import { makeStatements } from './service/statements.ts';
import type { Switchboard } from './service/switchboard.ts';
import { Sync } from './service/sync.ts';
import { tellUnindexed } from './service/unindexed.ts';
import { Warnings } from './service/warnings.ts';
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
  /** From the start to the first check of the database, in milliseconds. Default: ten minutes. */
  readonly scrubAfterMs?: number;
}

/** A relay that serves. */
export interface RunningRelay {
  /** Where it listens: `http://127.0.0.1:8001`. */
  readonly url: string;
  /** Answers what is under way, then gives everything up. What was acknowledged is on the disk either way. */
  stop(): Promise<void>;
  /** Whether it could answer and write now. */
  healthy(): Promise<boolean>;
  /** Resolves when the disk failed: nothing is acknowledged any more, and the process must end. */
  readonly failed: Promise<HoldfastError>;
}

const MEBIBYTE = 1024 * 1024;
/** Messages that may wait for one node. */
const NODE_QUEUE = { messages: 10_000, bytes: 4 * MEBIBYTE };

/**
 * Starts a relay: takes the directory for this process, brings the database up to date, listens, and writes
 * `service.json` (0600: pid, url, start) into the directory for local tools.
 *
 * Throws `directory-locked`, `directory-unsafe`, `bad-configuration` (no relay was prepared there), `file-damaged`,
 * `schema-newer`, `sqlite-unsafe`, `storage-failed`, or Node's error when the address cannot be listened on. Nothing is left open then.
 */
export async function startRelay(options: RelayOptions): Promise<RunningRelay> {
  const { config, directory, log, now = Date.now } = options;
  // Given up in the reverse of this order: here when something fails, by `stop` otherwise.
  await using opened = new AsyncDisposableStack();
  ensurePrivateDirectory(directory);
  const lock = lockDirectory(directory);
  opened.defer(() => lock.release());
  settleRestoreAtStart(directory, log);
  const { failed, ...told } = reportDisk(log);
  const disk = new DiskWatch({ directory, reserveBytes: config['disk.reserveMegabytes'] * MEBIBYTE, ...told });
  opened.defer(() => disk.close());
  const databasePath = databaseFileIn(directory);
  refuseRotten(databasePath, (message) => log.warn(message));
  const asking = { path: databasePath, processes: config['query.processes'], seconds: config['query.seconds'] };
  const queries = new QueryPool(asking);
  const store = openRelayStore(directory, config, { guard: disk, rows: queries, onUnindexed: tellUnindexed(log) });
  // Closing would write what nobody knows the state of.
  opened.defer(() => (disk.hasFailed ? undefined : store.close()));
  const reader = new SqlReader(asking);
  opened.defer(() => Promise.all([queries.stop(), reader.stop()]).then(() => undefined));
  const registry = new Registry();
  addDiskGauges(registry, () => disk.status());
  addLockMetrics(registry, () => store.leases.figures);
  const metrics = new RelayMetrics(registry, store);
  const epochFile = new EpochFile({ store, directory, metrics, log });
  opened.defer(() => epochFile.stop());
  await epochFile.start();
  const timer = new ExpiryTimer({ store, seconds: config['expiry.seconds'], now, log });
  opened.defer(() => timer.stop());
  const { scrubAfterMs: firstAfterMs } = options;
  const scrubber = scrubRelay({ config, databasePath, store, registry, log, now, firstAfterMs });
  opened.defer(() => scrubber.stop());
  const backups = keepRelayBackups({ config, directory, store, version: options.version, registry, log, now });
  opened.defer(() => backups.stop());
  const retention = keepRelayRetention({ config, store, registry, log, now });
  opened.defer(() => retention.stop());
  const status = { store, epochFile, disk, scrubber, version: options.version, startedAtMs: now() };
  const switchboard = new MemorySwitchboard();
  const built = { store, reader, disk, registry, metrics, backups, retention, status, switchboard, now };
  const { service, listen } = assemble(options, built);
  opened.defer(() => service.stop());
  // First of all: whoever waits for calls would hold up the end.
  opened.defer(() => switchboard.stop());
  opened.defer(() => store.leases.stop());
  // Who waits for a run has the answer that it came to.
  opened.defer(() => retention.stop());
  const url = await listen();
  opened.defer(writeServiceFile(directory, { url, socket: null }, now()));
  const owned = opened.move();
  return { ...running({ url, store, disk }, owned), failed };
}

interface Assembled {
  readonly service: Service;
  readonly listen: () => Promise<string>;
}

interface Parts {
  readonly store: RelayStore;
  readonly reader: SqlReader;
  readonly disk: DiskWatch;
  readonly registry: Registry;
  readonly metrics: RelayMetrics;
  readonly backups: BackupKeeper;
  readonly retention: RetentionKeeper;
  readonly status: RelayStatusSources;
  readonly switchboard: Switchboard;
  readonly now: Now;
}

function assemble({ config, log, version }: RelayOptions, built: Parts): Assembled {
  const { store, reader, disk, registry, metrics, backups, retention, status, switchboard, now } = built;
  collectDefaultMetrics({ register: registry });
  const warnings = new Warnings(metrics, log, now);
  const access = new Access({ store, joinSeconds: config['join.seconds'], now });
  const leaseSeconds = config['lease.seconds'];
  const sync = new Sync({ store, metrics, warnings, leaseSeconds, now });
  const bounds = streamBounds(config);
  const statements = makeStatements({ store, reader, now, bounds });
  const shared = {
    sharedAgents: config['query.sharedAgents'],
    sharedCollections: config['query.sharedCollections'],
  };
  const desk = makeDesk({ store, now, leaseSeconds, shared, bounds });
  const calls = new Calls({ store, switchboard, metrics: new CallMetrics(registry, switchboard) });
  const feed = new Feed({ store, warnings, shared });
  const channels: Channels = new Channels({
    store,
    fanout: new MemoryFanout(NODE_QUEUE),
    metrics: new ChannelMetrics(registry, () => channels),
  });
  const locks = new NetworkLocks(store);
  const parts = { access, sync, disk, statements, desk, calls, feed, channels, locks };
  let hosts: ReadonlySet<string> = new Set();
  const service = createService({
    name: 'Holdfast relay',
    version,
    description: 'Gathers what every node writes into one network-wide database, and answers queries over it.',
    routes: relayRoutes,
    handlers: {
      ...nodeHandlers(parts),
      ...callHandlers(parts),
      ...feedHandlers(parts),
      ...channelHandlers(parts),
      ...lockHandlers(parts),
      ...deskHandlers(parts),
      ...queryHandler(parts),
      ...statusHandlers(status),
      ...backupHandlers(backups),
      ...retentionHandlers(retention, () => relayStatistics(store, now())),
    },
    authenticate: authenticateWith(access),
    config,
    log,
    metrics: registry,
    allowedHosts: () => hosts,
    checks: readinessChecks(store, disk),
  });
  const listen = async (): Promise<string> => {
    const host = config['listen.host'];
    const { port } = await service.listen({ host, port: config['listen.port'] });
    hosts = allowedHosts(host, port, config['listen.hosts']);
    return urlOf(host, port);
  };
  return { service, listen };
}

function running(
  { url, store, disk }: Pick<Parts, 'store' | 'disk'> & { readonly url: string },
  opened: AsyncDisposableStack,
): Omit<RunningRelay, 'failed'> {
  let stopped: Promise<void> | undefined;
  return {
    url,
    stop: () => (stopped ??= opened.disposeAsync()),
    healthy: async () => {
      if (stopped !== undefined || disk.hasFailed) return false;
      return store.check().then(
        () => true,
        () => false,
      );
    },
  };
}
