import { type AddGauge, countersOf, gaugesOf } from '@holdfast/http';
import { isHoldfastError, type Now } from '@holdfast/protocol';
import type { AgentFiles, AgentSummary } from '@holdfast/store';
import type { Counter, Registry } from 'prom-client';

import type { CountLetters } from './service/commander/arrivals.ts';
import type { CountCall } from './sync/call-handlers.ts';
import type { CountMessages } from './sync/channel-link.ts';
import type { FollowedName } from './sync/followers.ts';
import { differencesOf, type Notice } from './sync/notices.ts';
import type { SyncEngine } from './sync/sync-engine.ts';

/** What the gauges are read from, whenever somebody asks. */
export interface MetricSources {
  readonly agents: () => readonly string[];
  readonly files: AgentFiles;
  readonly sync: SyncEngine;
  readonly channels: { readonly listeners: number };
  readonly arrivals: { readonly held: number };
  readonly now: Now;
}

/** How many changes went up, and what had to be mended on the way, for sync to count. */
export interface SyncCounters {
  readonly sent: Counter;
  readonly rejected: Counter;
  /** Counts what a notice tells of. */
  readonly count: (notice: Notice) => void;
}

/** Makes sync's counters. */
export function syncCounters(registry: Registry): SyncCounters {
  const counter = countersOf(registry);
  const rewinds = counter('holdfast_sync_rewinds_total', 'Streams sent again because the relay was put back');
  const adoptions = counter('holdfast_sync_adoptions_total', 'Streams that took records over from the relay');
  const differences = counter(
    'holdfast_sync_differences_total',
    "Records found not to be the same as the relay's by comparing digests",
  );
  const repaired = counter('holdfast_sync_repaired_records_total', 'Records made the same again after that');
  return {
    sent: counter('holdfast_sync_sent_changes_total', 'Changes the relay took'),
    rejected: counter('holdfast_sync_rejected_changes_total', 'Changes the relay rejected; see dead letters'),
    count: (notice) => {
      if (notice.kind === 'rewound') rewinds.inc();
      if (notice.kind === 'adopted') adoptions.inc();
      if (notice.kind !== 'repaired') return;
      differences.inc(differencesOf(notice.settlement));
      repaired.inc(differencesOf(notice.settlement) - notice.settlement.broken - notice.settlement.gone);
    },
  };
}

/** Makes the counters of calls between nodes; the function returned counts. */
export function callCounters(registry: Registry): CountCall {
  const counter = countersOf(registry);
  const counters = {
    asked: counter('holdfast_calls_asked_total', 'Calls of this node to others'),
    taken: counter('holdfast_calls_taken_total', 'Calls of others to this node'),
    failed: counter('holdfast_calls_failed_total', 'Calls of either kind that ended with an error'),
  };
  return (what) => counters[what].inc();
}

/** Makes the counters of messages between nodes; the function returned counts. */
export function channelCounters(registry: Registry): CountMessages {
  const counter = countersOf(registry);
  const counters = {
    sent: counter('holdfast_channel_sent_messages_total', 'Messages on channels the relay took for other nodes'),
    lost: counter('holdfast_channel_lost_messages_total', 'Messages on channels that may not have reached the relay'),
    heard: counter('holdfast_channel_heard_messages_total', 'Messages on channels that came from other nodes'),
  };
  return (what, messages) => counters[what].inc(messages);
}

/** Makes the counters of letters that came from other nodes; the function returned counts. */
export function letterCounters(registry: Registry): CountLetters {
  const counter = countersOf(registry);
  const counters = {
    arrived: counter('holdfast_letters_arrived_total', 'Letters of other nodes that were put into the mail of agents'),
    refused: counter('holdfast_letters_refused_total', 'Letters of other nodes that nobody can be given'),
  };
  return (what, letters) => counters[what].inc(letters);
}

/** Makes the counters of what happened to files; the function returned counts. */
export function fileCounters(registry: Registry): (what: 'damaged' | 'put-back') => void {
  const counter = countersOf(registry);
  const counters = {
    damaged: counter('holdfast_files_damaged_total', 'Agent files found damaged and set aside'),
    'put-back': counter('holdfast_files_put_back_total', 'Agent files found to be older copies of themselves'),
  };
  return (what) => counters[what].inc();
}

/** Adds the gauges of what comes from other nodes. */
function registerIncomingGauges(
  gauge: AddGauge,
  { sync, arrivals, now }: Pick<MetricSources, 'sync' | 'arrivals' | 'now'>,
): void {
  const behindSeconds = (name: FollowedName): number => {
    const { state, caughtUpMs } = sync.followers.statusOf(name);
    return state === 'following' || caughtUpMs === null ? 0 : Math.max(0, (now() - caughtUpMs) / 1000);
  };
  gauge(
    'holdfast_shared_behind_seconds',
    'Since when the node may not have all that others share; 0 while it has',
    () => behindSeconds('shared'),
  );
  gauge(
    'holdfast_mail_behind_seconds',
    'Since when the node may not have all that others sent to its agents; 0 while it has',
    () => behindSeconds('addressed'),
  );
  gauge('holdfast_held_letters', 'Letters held for agents that are not there, or whose files do not serve', () => {
    return arrivals.held;
  });
}

/** Adds the daemon's gauges to a registry. Agents' names are no labels: each gauge is over all agents. */
export function registerGauges(
  registry: Registry,
  { agents, files, sync, channels, arrivals, now }: MetricSources,
): void {
  const gauge = gaugesOf(registry);
  const summaries = (): AgentSummary[] => agents().flatMap((agent) => summaryOf(files, agent) ?? []);
  const sum = (read: (summary: AgentSummary) => number) => () =>
    summaries().reduce((total, summary) => total + read(summary), 0);
  gauge('holdfast_agents', 'Agents of this node', () => agents().length);
  registerIncomingGauges(gauge, { sync, arrivals, now });
  gauge('holdfast_channel_listeners', 'Listeners to channels on this node', () => channels.listeners);
  gauge('holdfast_open_files', 'Agent files held open', () => files.openCount);
  gauge('holdfast_unreadable_files', 'Agent files that cannot be opened: no other figure counts them', () => {
    return agents().length - summaries().length;
  });
  gauge(
    'holdfast_records',
    'Live records',
    sum(({ records }) => records),
  );
  gauge(
    'holdfast_bytes',
    'Size of all agent files with their write-ahead logs',
    sum(({ bytes }) => bytes),
  );
  gauge(
    'holdfast_outbox_records',
    'Changes the relay does not have yet',
    sum(({ outbox }) => outbox),
  );
  gauge(
    'holdfast_dead_letters',
    'Changes the relay rejected and nobody decided on',
    sum(({ deadLetters }) => deadLetters),
  );
  gauge('holdfast_outbox_oldest_seconds', 'Age of the oldest change the relay does not have', () => {
    const oldest = summaries().map(({ oldestMs }) => oldestMs ?? Infinity);
    const oldestMs = Math.min(Infinity, ...oldest);
    return oldestMs === Infinity ? 0 : Math.max(0, (now() - oldestMs) / 1000);
  });
  gauge('holdfast_different_agents', "Agents whose records were last found not to be the same as the relay's", () => {
    return agents().filter((agent) => sync.digestState(agent) === 'different').length;
  });
  gauge('holdfast_link_refused', '1 while the relay does not take this node, or takes another one for it', () =>
    sync.link.state === 'paused' || sync.link.state === 'cloned' ? 1 : 0,
  );
  gauge('holdfast_takes_calls', '1 while other nodes can call this one through the relay', () =>
    sync.takesCalls ? 1 : 0,
  );
  gauge('holdfast_link_open', '1 while the link to the relay is open', () => (sync.link.state === 'open' ? 1 : 0));
}

// One damaged file must not hide the others' figures; who uses it is told, and `holdfast_unreadable_files` counts it.
function summaryOf(files: AgentFiles, agent: string): AgentSummary | undefined {
  try {
    return files.summary(agent);
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    return undefined;
  }
}
