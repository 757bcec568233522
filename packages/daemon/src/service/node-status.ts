import type { AgentStatus, NodeStatus, Now } from '@holdfast/protocol';
import { type AgentFiles, toTimestamp } from '@holdfast/store';

import type { NodeDatabase } from '../storage/node-database.ts';
import type { SyncEngine } from '../sync/sync-engine.ts';
import type { Agents } from './agents.ts';

/** What a status is made of. */
export interface StatusSources {
  readonly database: NodeDatabase;
  readonly agents: Agents;
  readonly files: AgentFiles;
  readonly sync: SyncEngine;
  readonly now: Now;
  readonly version: string;
  readonly boot: string;
  readonly startedAtMs: number;
}

/** The state of one agent, from its file and its stream. */
export function agentStatus(agent: string, sources: Pick<StatusSources, 'files' | 'sync' | 'now'>): AgentStatus {
  const { records, bytes, lastSeq, acked, ackedAtMs, outbox, oldestMs, deadLetters } = sources.files.summary(agent);
  return {
    agent,
    records,
    bytes,
    seq: lastSeq,
    acked_seq: acked.seq,
    outbox: {
      records: outbox,
      oldest_seconds: oldestMs === null ? null : Math.max(0, (sources.now() - oldestMs) / 1000),
    },
    last_ack_at: ackedAtMs === null ? null : toTimestamp(ackedAtMs),
    sync: sources.sync.streamState(agent),
    sync_error: sources.sync.streamError(agent),
    dead_letters: deadLetters,
  };
}

/** The state of the node and all its agents. */
export function nodeStatus(sources: StatusSources): NodeStatus {
  const { database, agents, sync, version, boot, startedAtMs } = sources;
  const { enrolment } = database;
  const { state, lastContactMs, error } = sync.link;
  return {
    node: enrolment?.name ?? null,
    version,
    boot,
    started_at: toTimestamp(startedAtMs),
    relay: {
      url: enrolment?.relayUrl ?? null,
      state,
      last_contact_at: lastContactMs === null ? null : toTimestamp(lastContactMs),
      error,
    },
    agents: agents.names.map((agent) => agentStatus(agent, sources)),
  };
}
