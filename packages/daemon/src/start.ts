import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';

import { type BackupKeeper, settleRestoreAtStart } from '@holdfast/backup';
import {
  addDiskGauges,
  addLockMetrics,
  reportDisk,
  type RetentionKeeper,
  type Service,
  writeServiceFile,
} from '@holdfast/http';
import { type HoldfastError, HybridClock, type NodeConfig, type Now, startOfBoot } from '@holdfast/protocol';
import {
  type DirectoryLock,
  DiskWatch,
  ensurePrivateDirectory,
  lockDirectory,
  refuseDamaged,
  refuseRotten,
} from '@holdfast/sqlite';
import { AgentFiles, type CollectionsByResource, streamBounds } from '@holdfast/store';
import { Registry } from 'prom-client';

import { keepNodeBackups } from './backup/backups.ts';
import { nodePaths, openNode } from './data-directory.ts';
import { daemonService } from './http/daemon-service.ts';
import type { SharedServices } from './http/shared-handlers.ts';
import { listen, type Listening } from './listening.ts';
import type { DaemonOptions } from './options.ts';
import { fileCounters, registerGauges } from './metrics.ts';
import { assembleChannels, assembleIncoming, assembleJoining, assembleSync, type Incoming } from './assemble-sync.ts';
import { assembleRebuilding, type Rebuilding } from './restore/assemble.ts';
import { keepNodeRetention } from './retention/node-retention.ts';
import { scrubNode } from './scrub/scrub.ts';
import { Agents } from './service/agents.ts';
import { assembleCache } from './service/cache/assemble-cache.ts';
import type { Cache } from './service/cache/cache.ts';
import type { Arrivals } from './service/commander/arrivals.ts';
import { assembleCommander, type Commander } from './service/commander/commander.ts';
import { visitorHandlers } from './service/commander/visitors.ts';
import type { Channels } from './service/channels.ts';
import { sweepRegularly } from './service/expiry-timer.ts';
import { FileCustody } from './service/file-custody.ts';
import type { JoiningOptions } from './service/joining.ts';
import { RateLimits } from './service/limits/rate-limits.ts';
import { Locks } from './service/locks.ts';
import { declaresForAll } from './service/node-declarations.ts';
import { servingAgents, type StatusSources } from './service/node-status.ts';
import { Records } from './service/records.ts';
import { repeatSweep } from './service/repeat-sweep.ts';
import { type AssembledReplica, assembleReplica } from './service/replica/assemble-replica.ts';
import { SharedSpace } from './service/shared/shared-space.ts';
import { Watches } from './service/shared/watches.ts';
import type { NodeDatabase } from './storage/node-database.ts';
import type { NodeLeases } from './storage/node-leases.ts';
import type { SyncEngine } from './sync/sync-engine.ts';
import { nodeTimers } from './sync/timers.ts';

/** A daemon that answers. */
export interface RunningDaemon {
  /** Where it listens on TCP, such as `http://127.0.0.1:8002`. */
  readonly url: string;
  /** Its unix socket; null if it has none. */
  readonly socketPath: string | null;
  /** Drains, answers, ends sync, closes the files. Correctness never depends on it. May be called again. */
  stop(): Promise<void>;
  /** Whether it could do its work now; for a watchdog. */
  healthy(): Promise<boolean>;
  /** Resolves when the disk failed: nothing is acknowledged any more, and the process must end. */
  readonly failed: Promise<HoldfastError>;
}

const MEBIBYTE = 1024 * 1024;

/**
 * Starts a daemon; resolves once it listens. Throws `directory-locked` at once when another process has the directory,
 * `directory-unsafe`, `file-damaged`, `schema-newer`, and Node's own errors when it cannot listen.
 */
export async function startDaemon(options: DaemonOptions): Promise<RunningDaemon> {
  const { directory } = options;
  ensurePrivateDirectory(directory);
  const lock = lockDirectory(directory);
  try {
    return await startLocked(options, lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function startLocked(options: DaemonOptions, lock: DirectoryLock): Promise<RunningDaemon> {
  const { config, directory, log } = options;
  const paths = nodePaths(directory);
  settleRestoreAtStart(directory, log);
  const { failed, ...told } = reportDisk(log);
  const disk = new DiskWatch({ directory, reserveBytes: config['disk.reserveMegabytes'] * MEBIBYTE, ...told });
  const parts = refuseDamaged(paths.database, () => assemble(options, disk));
  const { database, files, sync, now } = parts.status;
  if (options.declarations?.some(({ declaration }) => declaration.conflict === 'shared')) parts.space.made();
  parts.replica.subscriptions.begin();
  const { url, socketPath } = await listenOrClose(parts, config, paths.socket);
  const removeServiceFile = writeServiceFile(directory, { url, socket: socketPath }, now());
  parts.incoming.arrivals.begin();
  parts.joining.onEnrolled();
  parts.rebuilding.resume();
  const endSweeping = sweepRegularly({
    files,
    agents: () => servingAgents(parts.status),
    hasRelay: () => database.enrolment !== undefined,
    everyMs: config['expiry.seconds'] * 1000,
    now,
    timers: nodeTimers,
    log,
  });
  const often = { everyMs: config['expiry.seconds'] * 1000, timers: nodeTimers };
  const endSweepingCopies = [parts.cache, parts.replica.subscriptions].map((swept) => repeatSweep(swept, often));
  const stop = once(async () => {
    // Who waits for a run has the answer that it came to.
    await parts.retention.stop();
    parts.status.leases.leases.stop();
    parts.cache.endWaiting();
    parts.incoming.wakes.stop();
    await parts.service.stop();
    endSweeping();
    for (const end of endSweepingCopies) end();
    await sync.stop();
    await parts.incoming.arrivals.end();
    await endBackgroundWork(parts);
    closeAll(parts);
    removeServiceFile();
    if (socketPath !== null) rmSync(socketPath, { force: true });
    lock.release();
  });
  return { url, socketPath, stop, failed, healthy: async () => !disk.hasFailed && isHealthy(database) };
}

interface Parts {
  readonly status: StatusSources;
  readonly space: SharedSpace;
  readonly incoming: Incoming;
  readonly cache: Cache;
  readonly replica: AssembledReplica;
  readonly joining: JoiningOptions;
  readonly service: Service;
  readonly backups: BackupKeeper;
  readonly retention: RetentionKeeper;
  readonly rebuilding: Rebuilding;
  /** `Host` values that mean this daemon; filled once the port is known. */
  readonly hosts: Set<string>;
}

function assemble(options: DaemonOptions, disk: DiskWatch): Parts {
  const { config, directory, log, version } = options;
  const now = options.now ?? Date.now;
  const paths = nodePaths(directory);
  refuseRotten(paths.database, (message) => log.warn(message));
  const database = openNode(directory, disk);
  const [registry, hosts] = [new Registry(), new Set<string>()];
  const boot = beginBoot(database);
  const leases = database.openLeases(config);
  const agents = new Agents(database, now);
  const clock = new HybridClock(now, startOfBoot(boot));
  const made = { options, database, leases, agents, registry, now };
  const incoming = assembleIncoming(made, { records: () => records, sync: () => sync });
  const onCommit = (agent: string, written: CollectionsByResource): void => {
    sync.written(agent);
    shared.watches.changed(agent);
    incoming.wakes.written(agent, written);
  };
  const cache = assembleCache({ config, path: paths.cache, boot, disk, now, timers: nodeTimers, registry, log });
  const { custody, files } = assembleFiles({ ...made, clock, disk, cache, onCommit, sync: () => sync });
  const shared = openShared(agents, files);
  const { space } = shared;
  const channels = assembleChannels(options, database, registry);
  const carried = { files, channels, arrivals: incoming.arrivals };
  const visitors = visitorHandlers(() => commander);
  const sync: SyncEngine = assembleSync({ ...made, ...carried, custody, boot, visitors, space });
  custody.begin();
  addGauges({ ...made, ...carried, sync, disk });
  const names = (): readonly string[] => agents.names;
  const care = { files, log, onRecounted: (agent: string) => sync.written(agent) };
  const scrubbed = { config, databasePath: paths.database, agents: names, firstAfterMs: options.scrubAfterMs };
  const scrubber = scrubNode({ ...care, ...scrubbed, registry, now });
  const replica = assembleReplica({ ...made, path: paths.replica, sync, disk });
  const parts = { database, leases, agents, files, custody, sync, disk, scrubber };
  const status = { ...parts, subscriptions: replica.subscriptions, now, version, startedAtMs: now() };
  const joining = assembleJoining(status, clock, config);
  const backups = keepNodeBackups({ ...care, config, directory, database, agents: names, version, registry, now });
  const retention = keepNodeRetention({ ...status, config, registry, log });
  const rebuilding = assembleRebuilding({ ...status, ...care, config, directory, joining, clock, guard: disk });
  const records: Records = new Records({ files, shared: space, sync, disk, bounds: streamBounds(config) });
  const commander: Commander = assembleCommander(status, records, incoming.wakes);
  const kept = { joining, backups, retention, rebuilding };
  const service = daemonService({
    status,
    records,
    commander,
    shared,
    replica,
    channels,
    locks: new Locks({ node: leases, askLock: sync.askLock, disk }),
    cache,
    limits: new RateLimits(options.monotonicMs ?? (() => performance.now())),
    ...kept,
    config,
    log,
    registry,
    allowedHosts: () => hosts,
  });
  return { status, space, incoming, cache, replica, service, ...kept, hosts };
}

function beginBoot(database: NodeDatabase): string {
  const boot = randomBytes(16).toString('hex');
  database.addBoot(boot);
  return boot;
}

function openShared(agents: Agents, files: AgentFiles): SharedServices {
  const space = new SharedSpace({ agents, files, onTaken: () => watches.changed() });
  const watches = new Watches(space);
  return { space, watches };
}

interface Measured {
  readonly registry: Registry;
  readonly agents: Agents;
  readonly files: AgentFiles;
  readonly sync: SyncEngine;
  readonly channels: Channels;
  readonly arrivals: Arrivals;
  readonly leases: NodeLeases;
  readonly disk: DiskWatch;
  readonly now: Now;
}

function addGauges({ registry, agents, files, sync, channels, arrivals, leases, disk, now }: Measured): void {
  registerGauges(registry, { agents: () => agents.names, files, sync, channels, arrivals, now });
  addDiskGauges(registry, () => disk.status());
  addLockMetrics(registry, () => leases.leases.figures);
}

interface FileParts {
  readonly options: DaemonOptions;
  readonly database: NodeDatabase;
  readonly clock: HybridClock;
  readonly disk: DiskWatch;
  readonly registry: Registry;
  readonly now: Now;
  readonly onCommit: (agent: string, written: CollectionsByResource) => void;
  readonly cache: Cache;
  readonly sync: () => SyncEngine;
}

function assembleFiles({ options, database, clock, disk, registry, now, cache, onCommit, sync }: FileParts): {
  custody: FileCustody;
  files: AgentFiles;
} {
  const { config, directory, log } = options;
  const paths = nodePaths(directory);
  const custody: FileCustody = new FileCustody({
    marks: database.marks,
    damagedDirectory: paths.damaged,
    files: () => files,
    sync,
    now,
    timers: nodeTimers,
    log,
    onFound: fileCounters(registry),
    onReplaced: () => database.arrivals.startOver(),
  });
  const files: AgentFiles = new AgentFiles({
    directory: paths.agents,
    clock,
    now,
    commit: config,
    maxOpen: config['files.open'],
    onCommit: (agent, written) => {
      cache.written(agent, written);
      custody.touch(agent);
      onCommit(agent, written);
    },
    onLeft: (agent) => cache.fileLeft(agent),
    guard: disk,
    watch: custody,
    onOpened: declaresForAll(options.declarations ?? [], log),
  });
  return { custody, files };
}

async function listenOrClose(parts: Parts, config: NodeConfig, defaultSocket: string): Promise<Listening> {
  try {
    return await listen(parts, config, defaultSocket);
  } catch (error) {
    // One of two listeners may be up: it must not go on serving from a directory that is given up.
    await parts.service.stop();
    await endBackgroundWork(parts);
    closeAll(parts);
    throw error;
  }
}

async function endBackgroundWork({ status, replica, backups, retention, rebuilding }: Parts): Promise<void> {
  await retention.stop();
  await replica.subscriptions.stop();
  await replica.file.endQueries();
  await status.scrubber.stop();
  await backups.stop();
  await rebuilding.stop();
}

function closeAll({ status: { files, custody, leases, database, disk }, cache, replica }: Parts): void {
  disk.close();
  // Closing would write what nobody knows the state of.
  if (disk.hasFailed) return;
  custody.end();
  files.close();
  leases.close();
  cache.close();
  replica.file.close();
  database.close();
}

function isHealthy(database: NodeDatabase): boolean {
  try {
    database.check();
    return true;
  } catch {
    return false;
  }
}

function once(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => (running ??= run());
}
