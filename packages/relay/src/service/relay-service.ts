import type { DeadLetter, NetworkQuery, NodeInfo, Now } from '@holdfast/protocol';
import type { DiskWatch } from '@holdfast/sqlite';
import type { CollectionCount, QueryResult } from '@holdfast/store';

import type { NodeReader, RelayStore, StoredDeadLetter } from '../storage/relay-store.ts';
import type { Access, RelayCaller } from './access.ts';
import type { Sync } from './sync.ts';

/** All the relay does, as the http layer asks for it. */
export interface RelayService {
  readonly access: Access;
  readonly sync: Sync;
  /** Refuses changes while the disk takes none. */
  readonly disk: Pick<DiskWatch, 'assertRoom'>;
  /** What operators and tools read and decide. */
  readonly desk: Desk;
}

/** What operators and tools read, and what operators decide about dead letters. */
export interface Desk {
  /** Queries the network; a node sees what `NodeReader` lets it. Throws `invalid-request`. */
  query(caller: RelayCaller, query: NetworkQuery): Promise<QueryResult>;
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

/** What a desk needs. */
export interface DeskOptions {
  readonly store: RelayStore;
  readonly now: Now;
  /** See `NodeReader`. */
  readonly sharedAgents: readonly string[];
}

/** The desk over a store. */
export function makeDesk({ store, now, sharedAgents }: DeskOptions): Desk {
  const readerOf = ({ role, name }: RelayCaller): NodeReader | undefined =>
    role === 'node' ? { node: name, sharedAgents } : undefined;
  return {
    query: (caller, query) => store.query(query, now(), readerOf(caller)),
    nodes: () => store.nodes(),
    collections: () => store.collections(),
    deadLetters: (limit = DEFAULT_DEAD_LETTERS) => store.deadLetters(limit),
    deadLetter: (id) => store.deadLetter(id),
    dropDeadLetter: (id) => store.dropDeadLetter(id),
  };
}
