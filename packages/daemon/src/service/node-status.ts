import { type AgentStatus, isHoldfastError, type NodeStatus, type Now, ZERO_VERSION } from '@holdfast/protocol';
import type { DiskWatch } from '@holdfast/sqlite';
import { type AgentFiles, type AgentSummary, type Scrubber, toTimestamp } from '@holdfast/store';

import type { NodeDatabase } from '../storage/node-database.ts';
import type { NodeLeases } from '../storage/node-leases.ts';
import type { FollowedName } from '../sync/followers.ts';
import type { SyncEngine } from '../sync/sync-engine.ts';
import type { Agents } from './agents.ts';
import type { FileCustody } from './file-custody.ts';
import type { Subscriptions } from './replica/subscriptions.ts';

/** What a status is made of. */
export interface StatusSources {
  readonly database: NodeDatabase;
  readonly leases: NodeLeases;
  readonly agents: Agents;
  readonly files: AgentFiles;
  readonly custody: FileCustody;
  readonly sync: SyncEngine;
  readonly disk: DiskWatch;
  readonly scrubber: Scrubber;
  readonly subscriptions: Pick<Subscriptions, 'list'>;
  readonly now: Now;
  readonly version: string;
  readonly startedAtMs: number;
}

/** The agents whose files can be used, by name. */
export function servingAgents({ agents, custody }: Pick<StatusSources, 'agents' | 'custody'>): string[] {
  return agents.names.filter((agent) => custody.stateOf(agent) === 'ok');
}

/** What is said of a file that does not serve. */
const NO_FIGURES: AgentSummary = {
  records: 0,
  bytes: 0,
  lastSeq: 0,
  acked: { seq: 0, version: ZERO_VERSION },
  ackedAtMs: null,
  outbox: 0,
  oldestMs: null,
  deadLetters: 0,
  nextExpiryMs: null,
};

/** The state of one agent, from its file and its stream. Answers for a file that does not serve, too. */
export function agentStatus(
  agent: string,
  { files, custody, sync, now }: Pick<StatusSources, 'files' | 'custody' | 'sync' | 'now'>,
): AgentStatus {
  const { summary, error } = summaryOf(agent, files);
  const { records, bytes, lastSeq, acked, ackedAtMs, outbox, oldestMs, deadLetters } = summary;
  return {
    agent,
    state: custody.stateOf(agent),
    error: custody.errorOf(agent) ?? error ?? sync.streamNotice(agent),
    records,
    bytes,
    seq: lastSeq,
    acked_seq: acked.seq,
    outbox: {
      records: outbox,
      oldest_seconds: oldestMs === null ? null : Math.max(0, (now() - oldestMs) / 1000),
    },
    last_ack_at: ackedAtMs === null ? null : toTimestamp(ackedAtMs),
    sync: sync.streamState(agent),
    sync_error: sync.streamError(agent),
    digest: digestOf(agent, sync),
    dead_letters: deadLetters,
  };
}

// What the relay holds may have changed while nothing is heard of it: it may have been put back.
function digestOf(agent: string, sync: SyncEngine): AgentStatus['digest'] {
  const digest = sync.digestState(agent);
  return digest === 'equal' && sync.link.state !== 'open' ? 'unknown' : digest;
}

// One file that cannot be read must not hide what there is to say of the others.
function summaryOf(agent: string, files: AgentFiles): { summary: AgentSummary; error: string | null } {
  try {
    return { summary: files.summary(agent), error: null };
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    return { summary: NO_FIGURES, error: error.message };
  }
}

/** The state of the node and all its agents. */
export function nodeStatus(sources: StatusSources): NodeStatus {
  const { database, leases, agents, sync, disk, scrubber, version, startedAtMs } = sources;
  const { held, waiting } = leases.leases.figures;
  const { enrolment } = database;
  const { state, lastContactMs, error } = sync.link;
  return {
    node: enrolment?.name ?? null,
    version,
    boot: database.boot,
    started_at: toTimestamp(startedAtMs),
    relay: {
      url: enrolment?.relayUrl ?? null,
      state,
      last_contact_at: lastContactMs === null ? null : toTimestamp(lastContactMs),
      error,
      takes_calls: sync.takesCalls,
    },
    shared: followStatus(sync, 'shared'),
    mail: { ...followStatus(sync, 'addressed'), held: database.arrivals.held },
    subscriptions: sources.subscriptions.list(),
    disk: disk.status(),
    scrub: scrubber.status,
    locks: { held, waiting },
    agents: agents.names.map((agent) => agentStatus(agent, sources)),
  };
}

function followStatus(sync: SyncEngine, name: FollowedName): NodeStatus['shared'] {
  const { state, caughtUpMs } = sync.followers.statusOf(name);
  return { state, caught_up_at: caughtUpMs === null ? null : toTimestamp(caughtUpMs) };
}
