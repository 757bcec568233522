import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';

import { type Service, urlOf, writeServiceFile } from '@holdfast/http';
import { HybridClock, type NodeConfig, type Now } from '@holdfast/protocol';
import { type DirectoryLock, ensurePrivateDirectory, lockDirectory } from '@holdfast/sqlite';
import { AgentFiles } from '@holdfast/store';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';

import { nodePaths, openNode } from './data-directory.ts';
import { daemonService } from './http/daemon-service.ts';
import { registerGauges, syncCounters } from './metrics.ts';
import { Agents } from './service/agents.ts';
import { sweepRegularly } from './service/expiry-timer.ts';
import type { JoiningOptions } from './service/joining.ts';
import type { StatusSources } from './service/node-status.ts';
import type { NodeDatabase } from './storage/node-database.ts';
import { joinOverHttp, relayTransport } from './sync/relay-transport.ts';
import { SyncEngine } from './sync/sync-engine.ts';
import { nodeTimers } from './sync/timers.ts';

/** What a loopback address is called in a `Host` header. */
const LOOPBACK_NAMES = ['127.0.0.1', 'localhost', '[::1]'];

/** What a daemon is started with. */
export interface DaemonOptions {
  readonly config: NodeConfig;
  /** The data directory; made if it is not there, and held by this process alone. */
  readonly directory: string;
  readonly log: Logger;
  /** Holdfast's version, for status and OpenAPI. */
  readonly version: string;
  /** Wall-clock milliseconds. Default: `Date.now`. */
  readonly now?: Now;
}

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
}

/**
 * Starts a daemon; resolves once it listens. Throws `directory-locked` at once when another process has the directory,
 * `directory-unsafe`, `schema-newer`, and Node's own errors when it cannot listen.
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
  const parts = assemble(options);
  const { database, agents, files, sync, now } = parts.status;
  const { url, socketPath } = await listenOrClose(parts, config, paths.socket);
  const removeServiceFile = writeServiceFile(directory, { url, socket: socketPath }, now());
  parts.joining.onEnrolled();
  const endSweeping = sweepRegularly({
    files,
    agents: () => agents.names,
    hasRelay: () => database.enrolment !== undefined,
    everyMs: config['expiry.seconds'] * 1000,
    now,
    timers: nodeTimers,
    log,
  });
  const stop = once(async () => {
    await parts.service.stop();
    endSweeping();
    await sync.stop();
    files.close();
    database.close();
    removeServiceFile();
    if (socketPath !== null) rmSync(socketPath, { force: true });
    lock.release();
  });
  return { url, socketPath, stop, healthy: async () => isHealthy(database) };
}

interface Parts {
  readonly status: StatusSources;
  readonly joining: JoiningOptions;
  readonly service: Service;
  /** `Host` values that mean this daemon; filled once the port is known. */
  readonly hosts: Set<string>;
}

function assemble(options: DaemonOptions): Parts {
  const { config, directory, log, version } = options;
  const now = options.now ?? Date.now;
  const database = openNode(directory);
  const registry = new Registry();
  const boot = randomBytes(16).toString('hex');
  database.addBoot(boot);
  const agents = new Agents(database, now);
  const files = new AgentFiles({
    directory: nodePaths(directory).agents,
    clock: new HybridClock(now, database.suffix),
    now,
    commit: config,
    maxOpen: config['files.open'],
    onCommit: (agent) => sync.written(agent),
  });
  const sync = assembleSync({ options, database, agents, files, now, boot, registry });
  registerGauges(registry, { agents: () => agents.names, files, sync, now });
  const status = { database, agents, files, sync, now, version, boot, startedAtMs: now() };
  const join = joinOverHttp(config['sync.timeoutSeconds'] * 1000);
  const joining = { database, join, now, onEnrolled: () => enrolSync(sync, database, config) };
  const hosts = new Set<string>();
  const service = daemonService({ status, joining, config, log, registry, allowedHosts: () => hosts });
  return { status, joining, service, hosts };
}

interface SyncParts {
  readonly options: DaemonOptions;
  readonly database: NodeDatabase;
  readonly agents: Agents;
  readonly files: AgentFiles;
  readonly now: Now;
  readonly boot: string;
  readonly registry: Registry;
}

function assembleSync({ options, database, agents, files, now, boot, registry }: SyncParts): SyncEngine {
  const counters = syncCounters(registry);
  return new SyncEngine({
    config: options.config,
    boot,
    predecessors: () => database.predecessorsOf(boot),
    confirmBoot: () => database.confirmBoot(boot),
    agents: () => agents.names,
    store: (agent) => files.get(agent),
    onTaken: (changes, rejects) => {
      counters.sent.inc(changes);
      counters.rejected.inc(rejects.length);
    },
    now,
    random: Math.random,
    timers: nodeTimers,
    log: options.log,
  });
}

function enrolSync(sync: SyncEngine, database: NodeDatabase, config: NodeConfig): void {
  const { enrolment } = database;
  if (enrolment === undefined) return;
  const { relayUrl: url, credential } = enrolment;
  sync.enrol(relayTransport({ url, credential, timeoutMs: config['sync.timeoutSeconds'] * 1000 }));
}

async function listenOrClose(
  parts: Parts,
  config: NodeConfig,
  defaultSocket: string,
): Promise<{ url: string; socketPath: string | null }> {
  try {
    return await listen(parts, config, defaultSocket);
  } catch (error) {
    // One of two listeners may be up: it must not go on serving from a directory that is given up.
    await parts.service.stop();
    parts.status.files.close();
    parts.status.database.close();
    throw error;
  }
}

async function listen(
  { service, hosts }: Parts,
  config: NodeConfig,
  defaultSocket: string,
): Promise<{ url: string; socketPath: string | null }> {
  const bound = await service.listen({ host: config['listen.host'], port: config['listen.port'] });
  const url = urlOf(bound.host, bound.port);
  for (const name of LOOPBACK_NAMES) hosts.add(`${name}:${bound.port}`);
  const wished = config['listen.socket'];
  if (wished === 'none') return { url, socketPath: null };
  const path = wished === '' ? defaultSocket : wished;
  await service.listen({ path });
  return { url, socketPath: path };
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
