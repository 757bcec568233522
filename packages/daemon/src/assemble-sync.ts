import type { HybridClock, NodeConfig, Now } from '@holdfast/protocol';
import type { AgentFiles } from '@holdfast/store';
import PQueue from 'p-queue';
import type { Registry } from 'prom-client';

import { callCounters, channelCounters, letterCounters, syncCounters } from './metrics.ts';
import type { DaemonOptions } from './options.ts';
import type { Agents } from './service/agents.ts';
import { Channels } from './service/channels.ts';
import { Arrivals } from './service/commander/arrivals.ts';
import { TaskWakes } from './service/commander/task-wakes.ts';
import type { FileCustody } from './service/file-custody.ts';
import type { JoiningOptions } from './service/joining.ts';
import { servingAgents, type StatusSources } from './service/node-status.ts';
import type { Records } from './service/records.ts';
import type { SharedSpace } from './service/shared/shared-space.ts';
import { waitingChanges } from './service/waiting.ts';
import type { NodeDatabase } from './storage/node-database.ts';
import type { NodeLeases } from './storage/node-leases.ts';
import type { AskNode, CallHandlers } from './sync/call-handlers.ts';
import { joinOverHttp, relayTransport } from './sync/relay-transport.ts';
import { SharedSink } from './sync/shared-sink.ts';
import { SyncEngine } from './sync/sync-engine.ts';
import { nodeTimers } from './sync/timers.ts';
import type { Transport } from './sync/transport.ts';

/** What enrolling the node needs. */
export function assembleJoining(
  { database, agents, custody, sync, now }: StatusSources,
  clock: HybridClock,
  config: NodeConfig,
): JoiningOptions {
  return {
    database,
    join: joinOverHttp(config['sync.timeoutSeconds'] * 1000),
    now,
    clock,
    turns: new PQueue({ concurrency: 1 }),
    unserved: () => agents.names.filter((agent) => custody.stateOf(agent) !== 'ok'),
    onEnrolled: () => enrolSync(sync, database, config),
    onReidentified: async (boot) => {
      const transport = transportOf(database, config);
      if (transport !== undefined) await sync.reenrol({ boot, transport });
    },
  };
}

/** Channels, which go over the network once the node is enrolled. */
export function assembleChannels({ log }: DaemonOptions, database: NodeDatabase, registry: Registry): Channels {
  return new Channels({
    node: () => database.enrolment?.name,
    count: channelCounters(registry),
    random: Math.random,
    timers: nodeTimers,
    log,
  });
}

/** What comes for this node's agents from others, and who waits for it. */
export interface Incoming {
  readonly arrivals: Arrivals;
  readonly wakes: TaskWakes;
}

/** What takes in what comes from other nodes. `records` and `sync`: asked for when something came. */
export function assembleIncoming(
  { options, database, agents, registry, now }: Pick<SyncParts, 'options' | 'database' | 'agents' | 'registry' | 'now'>,
  { records, sync }: { readonly records: () => Records; readonly sync: () => SyncEngine },
): Incoming {
  const wakes = new TaskWakes();
  const arrivals = new Arrivals({
    notes: database.arrivals,
    records: { transact: (...asked) => records().transact(...asked) },
    agents,
    isSettled: (agent) => sync().isSettled(agent),
    onTask: (owner) => wakes.changed(owner),
    count: letterCounters(registry),
    now,
    timers: nodeTimers,
    log: options.log,
  });
  agents.onAdded(() => arrivals.look());
  return { arrivals, wakes };
}

interface SyncParts {
  readonly options: DaemonOptions;
  readonly database: NodeDatabase;
  readonly leases: NodeLeases;
  readonly agents: Agents;
  readonly files: AgentFiles;
  readonly custody: FileCustody;
  readonly now: Now;
  readonly boot: string;
  readonly registry: Registry;
  readonly visitors: CallHandlers;
  readonly space: SharedSpace;
  readonly arrivals: Arrivals;
  readonly channels: Channels;
}

/** What brings the node's records to the relay and others' to it. */
export function assembleSync({
  options,
  database,
  leases,
  agents,
  files,
  custody,
  now,
  boot,
  registry,
  visitors,
  space,
  arrivals,
  channels,
}: SyncParts): SyncEngine {
  const counters = syncCounters(registry);
  const ask: AskNode = (asked, signal) => sync.call(asked, signal);
  const sync: SyncEngine = new SyncEngine({
    config: options.config,
    boot,
    predecessors: (of) => database.predecessorsOf(of),
    agents: () => servingAgents({ agents, custody }),
    store: (agent) => files.get(agent),
    waiting: () => waitingChanges(agents, files, custody),
    networkFence: () => leases.networkFence,
    onTaken: (changes, rejects) => {
      counters.sent.inc(changes);
      counters.rejected.inc(rejects.length);
    },
    onSettled: () => arrivals.look(),
    onNotice: counters.count,
    calls: {
      node: () => database.enrolment?.name,
      handlers: { ...visitors, ...options.calls?.(ask) },
      count: callCounters(registry),
    },
    followed: {
      shared: { what: 'what other nodes share', sink: new SharedSink(space) },
      addressed: { what: 'what other nodes sent to agents of this one', sink: arrivals },
    },
    channels: channels.link,
    now,
    random: Math.random,
    timers: nodeTimers,
    log: options.log,
  });
  return sync;
}

function enrolSync(sync: SyncEngine, database: NodeDatabase, config: NodeConfig): void {
  const transport = transportOf(database, config);
  if (transport !== undefined) sync.enrol(transport);
}

function transportOf({ enrolment }: NodeDatabase, config: NodeConfig): Transport | undefined {
  if (enrolment === undefined) return undefined;
  const { relayUrl: url, credential } = enrolment;
  return relayTransport({ url, credential, timeoutMs: config['sync.timeoutSeconds'] * 1000 });
}
