import type { AboutCollection, NetworkStreamOptions, NetworkView, NodeReader } from '@holdfast/network';
import type {
  BatchHeader,
  Buckets,
  Cursor,
  DeadLetter,
  NetworkQuery,
  NodeInfo,
  Reject,
  Role,
  SessionRequest,
  StartEntry,
} from '@holdfast/protocol';
import type { CopyProgress } from '@holdfast/sqlite';
import type {
  CollectionCount,
  CollectionFigures,
  KeySpan,
  Leases,
  PassFigures,
  QueryResult,
  RecordRow,
  RecordStream,
} from '@holdfast/store';

import type { RelayFeed } from './feed.ts';

/** Why a change cannot be taken, and what of its key could be read. */
export interface Refusal {
  /** A code of the error catalogue. */
  readonly code: string;
  /** For people; holds no part of the document. */
  readonly reason: string;
  readonly resource: string | null;
  readonly collection: string | null;
  readonly record: string | null;
  readonly version: string | null;
}

/** A change as it was read: ready to be merged, or refused before it got here. */
export interface IncomingChange {
  readonly seq: number;
  /** The change as it came, kept if it becomes a dead letter. At most `limits.lineBytes`. */
  readonly line: string;
  readonly row?: RecordRow;
  /** There unless `row` is. */
  readonly refusal?: Refusal;
}

/** The way one daemon start speaks for its node, and when. */
export interface Speaker {
  readonly node: string;
  readonly boot: string;
  readonly nowMs: number;
  /** A start last heard of before this may be taken over from. */
  readonly silentBeforeMs: number;
}

/** A request to open or renew a session. */
export interface SessionOpening extends Speaker {
  readonly predecessors: SessionRequest['predecessors'];
  /** All that waits on the node; undefined: it does not say. */
  readonly waiting?: SessionRequest['waiting'];
}

/** Where the relay stands in a stream. */
export interface StreamCursor {
  readonly agent: string;
  readonly incarnation: string;
  readonly cursor: Cursor;
  /** Of all the agent's records, by whichever stream they came (protocol rule 12). */
  readonly digest: string;
}

/** A batch, its header already consistent with its changes. */
export interface IncomingBatch extends Speaker {
  readonly header: BatchHeader;
  readonly changes: readonly IncomingChange[];
  /** Size of the changes, roughly. */
  readonly bytes: number;
}

/** One change of the fast lane (protocol rule 5). */
export interface IncomingImmediate extends Speaker {
  readonly agent: string;
  readonly incarnation: string;
  readonly change: IncomingChange;
}

/** What became of changes: each was merged, was known already or older, or is a dead letter now. */
export interface Taken {
  readonly applied: number;
  readonly stale: number;
  readonly rejects: readonly Reject[];
  /** Of all the agent's records now, for a batch that brought its node's if the two speak of the same records. */
  readonly digest?: string;
}

/** Names one stream. */
export interface StreamName {
  readonly node: string;
  readonly agent: string;
  readonly incarnation: string;
}

/** A part of a stream, in seq order, tombstones included. */
export interface StreamPart {
  readonly cursor: Cursor;
  readonly rows: readonly RecordRow[];
  readonly more: boolean;
}

/** Which of an agent's records to read. */
export interface AgentPart {
  /** `next` of the page before. */
  readonly after?: string | undefined;
  /** Those of one bucket that count in the digest; without, all. */
  readonly bucket?: number | undefined;
}

/** See `RelayStore.buckets`. */
export type BucketDigests = Omit<Buckets, 'starts'>;

/** A page of an agent's records, tombstones included. */
export interface CopyPart {
  readonly rows: readonly RecordRow[];
  /** Null: that was all. */
  readonly next: string | null;
}

/** A dead letter with the change as it came. */
export interface StoredDeadLetter extends DeadLetter {
  readonly change: string;
}

/** A token as it is kept: the hash of its secret, never the secret. */
export interface TokenEntry {
  readonly id: string;
  readonly hash: string;
  readonly role: Exclude<Role, 'agent'>;
  /** Whose it is, for people; a node's name for `join` and `node`. */
  readonly name: string;
  readonly createdAtMs: number;
  /** Null: never. */
  readonly expiresAtMs: number | null;
  /** Only for `join`: it is for a node that is enrolled, whose place a new machine takes. */
  readonly replaces: boolean;
}

/** How far a node was heard of. */
export interface NodeStanding {
  readonly node: string;
  /** Null: never. */
  readonly lastContactMs: number | null;
  /** Changes of the agents asked about that waited there when it last told; null: not known. */
  readonly waiting: number | null;
}

/** Which start of its daemon speaks for a node. */
export interface NodeSpeaker {
  /** Null: none does yet. */
  readonly boot: string | null;
  /** Null: it was never heard of. */
  readonly lastContactMs: number | null;
}

/** Figures for metrics. */
export interface StoreFigures {
  readonly nodes: number;
  readonly deadLetters: number;
  /** What the database takes on the disk. */
  readonly databaseBytes: number;
}

/** What is to be removed, and by what time. */
export interface RetentionRequest {
  readonly nowMs: number;
  /** Nothing is removed, all is counted. */
  readonly isDryRun: boolean;
  /** Of agents of this name alone. */
  readonly agent?: string | undefined;
  /** Asked between two steps: the rest is left for the next run. */
  readonly isStopped: () => boolean;
}

/** What retention removed, by node and agent. */
export interface Retained {
  /** By which the database became smaller. */
  readonly freedBytes: number;
  readonly agents: readonly {
    readonly node: string;
    readonly agent: string;
    readonly collections: readonly PassFigures[];
  }[];
}

/** How much one agent's collections hold. */
export interface AgentFigures {
  readonly node: string;
  readonly agent: string;
  readonly collections: readonly CollectionFigures[];
}

/** A collection that has or had records in the network. */
export interface KnownCollection extends CollectionCount, AboutCollection {}

/**
 * Where a relay keeps the network. One process uses a store at a time, with any number of calls under way at once.
 *
 * Every call that changes something is durable when it resolves, and has changed nothing when it rejects. Any of them
 * may reject with `queue-full`, `storage-failed` or `disk-full`. Times are milliseconds since 1970, by the relay's
 * clock, which may jump. The suite in `conformance/` says the rest by example: every implementation must pass it.
 */
export interface RelayStore {
  /** Names this life of the database (protocol rule 15): 128 random bits in hexadecimal, made with it. */
  readonly epoch: string;

  /** How many places of the feed were given to changes that are durable. Never goes back in one life of the database. */
  readonly position: number;

  /** What the store took, in order. */
  readonly feed: RelayFeed;
  /** Who holds which lock of the network. */
  readonly leases: Leases;

  /** Gives the database another epoch: for one that was put back or put into another place. */
  renewEpoch(): Promise<void>;

  /**
   * Opens or renews a session (protocol rule 7). A start becomes the current one when it is it already, when the node
   * has none, when the current one is among its predecessors, or when the current one has been silent too long; a start
   * that was superseded never comes back. Throws `node-cloned`; `node-not-found` for an unknown node.
   *
   * Notes the start and those it goes on from. Resolves with the cursors of all the node's streams.
   */
  openSession(opening: SessionOpening): Promise<readonly StreamCursor[]>;

  /**
   * The latest starts of a node that are known by its sessions, at most 1,000, in the order they became known, and the start each went
   * on from; null: not known, or it was the first. Nothing of an unknown node.
   */
  starts(node: string): Promise<readonly StartEntry[]>;

  /** Which start speaks for a node by its sessions; undefined for an unknown node. Cheap. */
  speaker(node: string): Promise<NodeSpeaker | undefined>;

  /**
   * Takes a batch, in one transaction (protocol rules 3, 4, 8): merges its changes by content, keeps refused ones as dead
   * letters, moves the cursor to `upto`. The speaker must be able to open a session without predecessors, and has renewed it.
   *
   * If the header has a digest, so has the answer (protocol rule 12), unless the two cannot be compared: a change of this batch
   * was refused, or records above `upto` came by the fast lane already.
   *
   * Throws `node-cloned`, and `cursor-mismatch` with the extension `cursor` when `base` is not where the store stands (seq
   * 0 and `ZERO_VERSION` for an unknown stream).
   */
  takeBatch(batch: IncomingBatch): Promise<Taken>;

  /** Takes one change like `takeBatch` and leaves the cursor alone. Throws `node-cloned`. */
  takeImmediate(immediate: IncomingImmediate): Promise<Taken>;

  /** The records whose latest change came by a stream, above a seq; at most about 4 MiB. Nothing of an unknown stream. */
  streamPart(stream: StreamName, afterSeq: number): Promise<StreamPart>;

  /**
   * The digests of an agent's records by bucket, computed from the records (protocol rule 12). Others are served meanwhile:
   * what changes during the call may count as it was, as it is, or both. All empty for an unknown agent.
   */
  buckets(node: string, agent: string): Promise<BucketDigests>;

  /**
   * A page of an agent's records, by whichever stream they came: at most 1,000, about 4 MiB. Over the pages every record
   * that stands still meanwhile is met once; one that changes may be met as it was, and is met again as it is. Nothing of an
   * unknown agent. Throws `invalid-request` for an `after` that no page gave.
   */
  copyPage(node: string, agent: string, part: AgentPart): Promise<CopyPart>;

  /**
   * Runs a query at a point in time: expired records are not seen. Throws `invalid-request`, and `query-timeout` and
   * `query-failed` where queries are bounded.
   */
  query(query: NetworkQuery, view: NetworkView): Promise<QueryResult>;

  /**
   * Streams the records of a query, like `query` but not page by page; the stream rejects as `query` does. What it returns goes on
   * where it ended, in a page or another stream. Each record that stands still meanwhile is met once.
   */
  stream(query: NetworkQuery, options: NetworkStreamOptions): RecordStream;

  /** The nodes that may have records a query asks for, by name: those with such agents, and those never heard of yet. */
  standing(query: NetworkQuery, reader?: NodeReader): Promise<readonly NodeStanding[]>;

  /** All nodes, their agents and dead letters, by name. An agent that began anew shows its latest stream's cursor. */
  nodes(): Promise<readonly NodeInfo[]>;

  /** The collections that have or had records, by name, and how many live records are in each. */
  collections(): Promise<readonly KnownCollection[]>;

  /** The newest dead letters, newest first. */
  deadLetters(limit: number): Promise<readonly DeadLetter[]>;

  /** Throws `dead-letter-not-found`. */
  deadLetter(id: string): Promise<StoredDeadLetter>;

  /**
   * Merges `change`, made of a dead letter's own line, and drops the dead letter; if it is refused again the dead letter stays
   * with the new reason. Throws `dead-letter-not-found`.
   */
  retryDeadLetter(id: string, change: IncomingChange, nowMs: number): Promise<Taken>;

  /** Throws `dead-letter-not-found`. */
  dropDeadLetter(id: string): Promise<void>;

  /**
   * Keeps a token. For role `join`: throws `node-exists` when a node of its name is enrolled, or, if it replaces one,
   * `node-not-found` when none is.
   */
  addToken(token: TokenEntry): Promise<void>;

  /** The token of that id, whether it still holds or not; undefined if there is none. */
  findToken(id: string): Promise<TokenEntry | undefined>;

  /**
   * Uses up a join token and keeps the node's credential, all or nothing; of several calls at once with one token exactly
   * one succeeds. The token makes the node; one that replaces shuts the machine before out instead: its credentials are
   * gone, its start is superseded, and the next start to open a session has it at once.
   *
   * Throws `join-token-refused` when the token is not for this node, used or expired; `node-exists`; `node-not-found`.
   */
  join(joinTokenId: string, credential: TokenEntry): Promise<void>;

  /** Removes at most `limit` expired records, and join tokens long expired. Resolves with how many records it removed. */
  sweepExpired(nowMs: number, limit: number): Promise<number>;

  /**
   * Removes what collections declare to be kept here no longer (protocol rule 17), in small transactions, and gives the space
   * back. What was removed still counts in the digests: its node neither finds it missing nor sends it again by itself. If it does send
   * it, it is taken once more.
   */
  retain(request: RetentionRequest): Promise<Retained>;

  /** How much the collections of each agent hold. Looks at each record, without its document; others are served meanwhile. */
  statistics(nowMs: number): Promise<readonly AgentFigures[]>;

  /**
   * Notes that the records at some positions of the feed are not what was taken: they rotted on the disk. They leave their
   * agents' digests, so that their nodes find them missing and send theirs; whatever comes of such a record replaces it.
   * Records that moved since are passed over. Resolves with how many are noted now that were not before. Looks at all records of
   * their agents, in one go: for a million some seconds.
   */
  distrust(positions: readonly number[]): Promise<number>;

  /**
   * Counts every agent's digest anew, from its records, one agent after the other: a record that vanished behind the store's
   * back leaves the digest then, so that its node finds it missing. Resolves with how many digests were wrong.
   */
  recountDigests(): Promise<number>;

  /** Makes what is derived of the records in spans of positions anew, in portions: members of lists and words. */
  deriveAnew(spans: readonly KeySpan[]): Promise<void>;

  /**
   * Copies the whole store to a new file (0600), of the kind it is kept in, while everything goes on: what is committed before
   * it resolves may be in it, what was committed before it was called is. The copy is on the disk when it resolves. Rejects with
   * `storage-failed`, `disk-full` and what `onProgress` throws, and leaves nothing then; a file at `path` stays as it is.
   */
  copyTo(path: string, onProgress?: (progress: CopyProgress) => void): Promise<void>;

  /** Figures for metrics; cheap. */
  figures(): Promise<StoreFigures>;

  /** Throws when the store could not answer or write now. Changes nothing. */
  check(): Promise<void>;

  /** Finishes what was asked for and lets go. No call may follow. */
  close(): Promise<void>;
}
