import type { DeadLetter, NetworkQuery, NodeInfo, Now } from '@holdfast/protocol';
import type { DiskWatch } from '@holdfast/sqlite';
import type { CollectionCount, QueryResult, RecordStream, StreamBounds } from '@holdfast/store';

import type { RelayStore, StoredDeadLetter } from '../storage/relay-store.ts';
import type { Access, RelayCaller } from './access.ts';
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
}

/** What operators and tools read, and what operators decide about dead letters. */
export interface Desk {
  /** Queries the network; a node sees its own records only. Throws like `RelayStore.query`. */
  query(caller: RelayCaller, query: NetworkQuery, signal: AbortSignal): Promise<QueryResult>;
  /** Streams what a query of the network finds, as far as one stream goes. Rejects like `RelayStore.query`. */
  stream(caller: RelayCaller, query: NetworkQuery, signal: AbortSignal): RecordStream;
  /** See `RelayStore.nodes`. */
  nodes(): Promise<readonly NodeInfo[]>;
  /** See `RelayStore.collections`. */
  collections(): Promise<readonly CollectionCount[]>;
  /** The newest dead letters, newest first; 100 unless told. */
  deadLetters(limit?: number): Promise<readonly DeadLetter[]>;
  /** Throws `dead-letter-not-found`. */
  deadLetter(id: string): Promise<StoredDeadLetter>;
  /** Throws `dead-letter-not-found`. */
  dropDeadLetter(id: string): Promise<void>;
}

const DEFAULT_DEAD_LETTERS = 100;

/** What the desk works with. */
export interface DeskOptions {
  readonly store: RelayStore;
  readonly now: Now;
  /** How much one stream holds at most. */
  readonly bounds: StreamBounds;
}

/** The desk over a store. */
export function makeDesk({ store, now, bounds }: DeskOptions): Desk {
  return {
    query: (caller, query, signal) => store.query(query, now(), onlyNodeOf(caller), signal),
    stream: (caller, query, signal) =>
      store.stream(query, { nowMs: now(), onlyNode: onlyNodeOf(caller), bounds, signal }),
    nodes: () => store.nodes(),
    collections: () => store.collections(),
    deadLetters: (limit = DEFAULT_DEAD_LETTERS) => store.deadLetters(limit),
    deadLetter: (id) => store.deadLetter(id),
    dropDeadLetter: (id) => store.dropDeadLetter(id),
  };
}

function onlyNodeOf({ role, name }: RelayCaller): string | undefined {
  return role === 'node' ? name : undefined;
}
