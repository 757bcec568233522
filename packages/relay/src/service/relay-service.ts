import type { NetworkView, SharedRights } from '@holdfast/network';
import type { DeadLetter, Freshness, NetworkRequest, NodeInfo, Now } from '@holdfast/protocol';
import type { DiskWatch } from '@holdfast/sqlite';
import { type QueryResult, type RecordStream, type StreamBounds, toTimestamp } from '@holdfast/store';

import type { KnownCollection, NodeStanding, RelayStore, StoredDeadLetter } from '../storage/relay-store.ts';
import type { Access, RelayCaller } from './access.ts';
import type { Calls } from './calls.ts';
import type { Feed } from './feed.ts';
import type { Channels } from './channels.ts';
import type { NetworkLocks } from './network-locks.ts';
import type { Statements } from './statements.ts';
import type { Sync } from './sync.ts';

/** All the relay does, as the http layer asks for it. */
export interface RelayService {
  readonly access: Access;
  readonly sync: Sync;
  /** Refuses changes while the disk takes none. */
  readonly disk: Pick<DiskWatch, 'assertRoom'>;
  /** What operators and tools read and decide. */
  readonly desk: Desk;
  /** What operators ask in SQL. */
  readonly statements: Statements;
  /** What nodes ask each other. */
  readonly calls: Calls;
  /** What happened, for those that follow. */
  readonly feed: Feed;
  /** What nodes tell each other on channels. */
  readonly channels: Channels;
  /** Locks of the network. */
  readonly locks: NetworkLocks;
}

/** What a query over the network answers, and how fresh it is if the query asks for that. */
export type NetworkResult = QueryResult & { readonly freshness?: Freshness };

/** What operators and tools read, and what operators decide about dead letters. */
export interface Desk {
  /** Queries the network; a node sees what `NodeReader` lets it. Throws like `RelayStore.query`. */
  query(caller: RelayCaller, query: NetworkRequest, signal: AbortSignal): Promise<NetworkResult>;
  /** Streams what a query of the network finds, as far as one stream goes. Rejects like `RelayStore.query`. */
  stream(caller: RelayCaller, query: NetworkRequest, signal: AbortSignal): RecordStream;
  /** See `RelayStore.nodes`. */
  nodes(): Promise<readonly NodeInfo[]>;
  /** See `RelayStore.collections`. */
  collections(): Promise<readonly KnownCollection[]>;
  /** The newest dead letters, newest first; 100 unless told. */
  deadLetters(limit?: number): Promise<readonly DeadLetter[]>;
  /** Throws `dead-letter-not-found`. */
  deadLetter(id: string): Promise<StoredDeadLetter>;
  /** Throws `dead-letter-not-found`. */
  dropDeadLetter(id: string): Promise<void>;
}

const DEFAULT_DEAD_LETTERS = 100;

/** What a desk needs. */
export interface DeskOptions {
  readonly store: RelayStore;
  readonly now: Now;
  readonly shared: SharedRights;
  /** A node not heard of for so long is not connected. */
  readonly leaseSeconds: number;
  /** How much one stream holds at most. */
  readonly bounds: StreamBounds;
}

/** The desk over a store. */
export function makeDesk({ store, now, shared, leaseSeconds, bounds }: DeskOptions): Desk {
  const viewOf = ({ role, name }: RelayCaller, agent: string | undefined): NetworkView => ({
    nowMs: now(),
    reader: role === 'node' ? { node: name, agent, ...shared } : undefined,
    audience: role === 'viewer' || role === 'operator' ? role : undefined,
  });
  return {
    query: async (caller, { for_agent: agent, ...query }, signal) => {
      const view = { ...viewOf(caller, agent), signal };
      if (query.freshness !== true || query.explain === true) return store.query(query, view);
      // Told before the records are read: what comes in between makes the answer fresher than it says.
      const freshness = freshnessOf(await store.standing(query, view.reader), now() - leaseSeconds * 1000);
      return { ...(await store.query(query, view)), freshness };
    },
    stream: (caller, { for_agent: agent, ...query }, signal) =>
      store.stream(query, { ...viewOf(caller, agent), bounds, signal }),
    nodes: () => store.nodes(),
    collections: () => store.collections(),
    deadLetters: (limit = DEFAULT_DEAD_LETTERS) => store.deadLetters(limit),
    deadLetter: (id) => store.deadLetter(id),
    dropDeadLetter: (id) => store.dropDeadLetter(id),
  };
}

function freshnessOf(standings: readonly NodeStanding[], silentBeforeMs: number): Freshness {
  const nodes = standings.map(({ node, lastContactMs, waiting }) => ({
    node,
    last_contact_at: lastContactMs === null ? null : toTimestamp(lastContactMs),
    connected: lastContactMs !== null && lastContactMs >= silentBeforeMs,
    outstanding: waiting,
  }));
  return { nodes };
}
