import {
  type BatchHeader,
  type CommitConfig,
  type DeadLetter,
  type NetworkQuery,
  type NodeInfo,
  type Reject,
  type StartEntry,
  ZERO_VERSION,
} from '@holdfast/protocol';
import {
  copyDatabase,
  type CopyProgress,
  type Database,
  openMigrated,
  type StorageGuard,
  unguarded,
} from '@holdfast/sqlite';
import {
  digestText,
  GroupCommit,
  savepointOf,
  type QueryResult,
  type RecordStream,
  type RowSource,
  runQuery,
  runQueryIn,
  SqliteLeases,
  streamFrom,
  streamPages,
} from '@holdfast/store';

import type {
  AgentFigures,
  AgentPart,
  BucketDigests,
  CopyPart,
  IncomingBatch,
  IncomingChange,
  IncomingImmediate,
  KnownCollection,
  NetworkStreamOptions,
  NetworkView,
  NodeReader,
  NodeSpeaker,
  NodeStanding,
  RelayStore,
  Retained,
  RetentionRequest,
  SessionOpening,
  StoredDeadLetter,
  StoreFigures,
  StreamCursor,
  StreamName,
  StreamPart,
  Taken,
  TokenEntry,
} from '../relay-store.ts';
import { AgentCopy } from './agent-copy.ts';
import { DeclaredCollections } from './declared-collections.ts';
import { DeadLetterTable } from './dead-letter-table.ts';
import { FeedPosition } from './feed-position.ts';
import { sqliteRelayMigrations } from './migrations/index.ts';
import { networkScope } from './network-query.ts';
import { NetworkFigures } from './network-figures.ts';
import { Overview } from './overview.ts';
import { type Owner, RecordTable, type Tally } from './record-table.ts';
import { assertFastForward, contradiction } from './refusals.ts';
import { RelayRetention } from './relay-retention.ts';
import { RetiredTable } from './retired-table.ts';
import { cloned, SessionTable } from './session-table.ts';
import { StartTable } from './start-table.ts';
import { type StoredStream, StreamTable } from './stream-table.ts';
import { TokenTable } from './token-table.ts';
import { WaitingTable } from './waiting-table.ts';

/** Rough size of a write that carries no documents. */
const SMALL_WRITE_BYTES = 256;

/** How changes are merged. */
interface Merging extends Pick<Tally, 'areCurrent'> {
  readonly nowMs: number;
}

/**
 * The relay's store in one SQLite file. All writes go through one group commit, so that the batches of many nodes share
 * a transaction; reads run on the same connection and see only what is committed.
 */
export class SqliteRelayStore implements RelayStore {
  readonly leases: SqliteLeases;
  readonly #database: Database;
  readonly #feed: FeedPosition;
  readonly #guard: StorageGuard;
  readonly #commits: GroupCommit;
  readonly #declared: DeclaredCollections;
  readonly #records: RecordTable;
  readonly #streams: StreamTable;
  readonly #sessions: SessionTable;
  readonly #starts: StartTable;
  readonly #deadLetters: DeadLetterTable;
  readonly #tokens: TokenTable;
  readonly #waiting: WaitingTable;
  readonly #overview: Overview;
  readonly #figures: NetworkFigures;
  readonly #retention: RelayRetention;
  readonly #copy: AgentCopy;
  readonly #rows: RowSource | undefined;

  /**
   * Opens the file, making it and bringing its schema up to date as needed. Queries run in `rows`, which asks the same file, and
   * without it here, where they hold everything up. Throws like `openMigrated`.
   */
  constructor(path: string, config: CommitConfig, guard: StorageGuard = unguarded, rows?: RowSource) {
    [this.#guard, this.#rows] = [guard, rows];
    this.#database = openMigrated(path, sqliteRelayMigrations);
    const [feed, declared] = [new FeedPosition(this.#database), new DeclaredCollections(this.#database)];
    this.#feed = feed;
    this.#declared = declared;
    const hooks = {
      savepoint: savepointOf(feed, declared),
      beforeCommit: () => {
        declared.fit();
        feed.save();
      },
      afterCommit: () => feed.saved(),
    };
    this.#commits = new GroupCommit(this.#database, config, hooks, guard);
    this.leases = new SqliteLeases({ database: this.#database, write: (run) => this.#write(run) });
    const retired = new RetiredTable(this.#database);
    this.#records = new RecordTable(this.#database, feed, retired);
    this.#streams = new StreamTable(this.#database);
    this.#sessions = new SessionTable(this.#database);
    this.#starts = new StartTable(this.#database);
    this.#deadLetters = new DeadLetterTable(this.#database);
    this.#tokens = new TokenTable(this.#database);
    this.#waiting = new WaitingTable(this.#database);
    this.#overview = new Overview(this.#database);
    this.#copy = new AgentCopy(this.#database, retired);
    this.#figures = new NetworkFigures(this.#database);
    this.#retention = new RelayRetention(this.#database, { declared, retired, write: (run) => this.#write(run) });
  }

  get epoch(): string {
    return this.#feed.epoch;
  }

  get position(): number {
    return this.#feed.committed;
  }

  async renewEpoch(): Promise<void> {
    const committed = await this.#write(() => this.#feed.renewEpoch());
    committed();
  }

  async openSession(opening: SessionOpening): Promise<readonly StreamCursor[]> {
    const { node, boot, predecessors, waiting } = opening;
    const isOpen = await this.#write(() => {
      if (!this.#claim(opening)) return false;
      this.#starts.note(node, boot, predecessors);
      if (waiting !== undefined) this.#waiting.tell(node, waiting);
      return true;
    });
    if (!isOpen) throw cloned(node);
    return this.#read(() => this.#streams.ofNode(node));
  }

  starts(node: string): Promise<readonly StartEntry[]> {
    return this.#read(() => this.#starts.ofNode(node));
  }

  speaker(node: string): Promise<NodeSpeaker | undefined> {
    return this.#read(() => this.#sessions.speaker(node));
  }

  takeBatch(batch: IncomingBatch): Promise<Taken> {
    const { node, header, changes, bytes, nowMs } = batch;
    return this.#write(() => {
      if (!this.#claim({ ...batch, predecessors: [] })) throw cloned(node);
      const stream = this.#begin({ node, agent: header.agent, incarnation: header.incarnation });
      assertFastForward(header.base, stream.cursor);
      const taken = this.#merge(stream, changes, { nowMs, areCurrent: true });
      this.#streams.move(stream, header.upto);
      this.#waiting.follow(stream, header);
      return this.#isComparable(stream, header, taken) ? { ...taken, digest: this.#streams.digest(stream) } : taken;
    }, bytes);
  }

  takeImmediate(immediate: IncomingImmediate): Promise<Taken> {
    const { node, agent, incarnation, change, nowMs } = immediate;
    return this.#write(() => {
      if (!this.#claim({ ...immediate, predecessors: [] })) throw cloned(node);
      return this.#merge(this.#begin({ node, agent, incarnation }), [change], { nowMs, areCurrent: false });
    }, change.line.length);
  }

  streamPart(name: StreamName, afterSeq: number): Promise<StreamPart> {
    return this.#read(() => {
      const stream = this.#streams.find(name);
      if (stream === undefined) return { cursor: { seq: 0, version: ZERO_VERSION }, rows: [], more: false };
      return { cursor: stream.cursor, ...this.#records.above(stream.streamId, afterSeq) };
    });
  }

  buckets(node: string, agent: string): Promise<BucketDigests> {
    return this.#read(() => this.#copy.buckets(node, agent));
  }

  copyPage(node: string, agent: string, part: AgentPart): Promise<CopyPart> {
    return this.#read(() => this.#copy.page(node, agent, part));
  }

  query(query: NetworkQuery, { signal, ...view }: NetworkView): Promise<QueryResult> {
    const rows = this.#rows;
    return this.#read(() => {
      const scope = networkScope(query, view, this.#declared);
      return rows === undefined ? runQuery(this.#database, query, scope) : runQueryIn(rows, query, scope, signal);
    });
  }

  async *stream(query: NetworkQuery, { bounds, ...view }: NetworkStreamOptions): RecordStream {
    try {
      if (this.#rows !== undefined) {
        const { signal } = view;
        return yield* streamFrom(this.#rows, query, networkScope(query, view, this.#declared), { bounds, signal });
      }
      return yield* streamPages((page) => this.query(page, view), query, bounds);
    } catch (error) {
      throw this.#guard.translate(error, 'the database could not be read', this.#database.name);
    }
  }

  standing(query: NetworkQuery, reader?: NodeReader): Promise<readonly NodeStanding[]> {
    return this.#read(() => this.#waiting.standing(query, reader));
  }

  nodes(): Promise<readonly NodeInfo[]> {
    return this.#read(() => this.#overview.nodes());
  }

  collections(): Promise<readonly KnownCollection[]> {
    return this.#read(() =>
      this.#overview.collections().map((count) => ({ ...count, declared: this.#declared.find(count.name) })),
    );
  }

  deadLetters(limit: number): Promise<readonly DeadLetter[]> {
    return this.#read(() => this.#deadLetters.list(limit));
  }

  deadLetter(id: string): Promise<StoredDeadLetter> {
    return this.#read(() => this.#deadLetters.get(id));
  }

  retryDeadLetter(id: string, change: IncomingChange, nowMs: number): Promise<Taken> {
    return this.#write(() => {
      const taken = this.#merge(this.#deadLetters.owner(id), [change], { nowMs, areCurrent: false });
      if (taken.rejects.length === 0) this.#deadLetters.drop(id);
      return taken;
    }, change.line.length);
  }

  dropDeadLetter(id: string): Promise<void> {
    return this.#write(() => this.#deadLetters.drop(id));
  }

  addToken(token: TokenEntry): Promise<void> {
    return this.#write(() => this.#tokens.add(token));
  }

  findToken(id: string): Promise<TokenEntry | undefined> {
    return this.#read(() => this.#tokens.find(id));
  }

  join(joinTokenId: string, credential: TokenEntry): Promise<void> {
    return this.#write(() => {
      const { isReplaced } = this.#tokens.join(joinTokenId, credential);
      if (isReplaced) this.#sessions.end(credential.name, credential.createdAtMs);
    });
  }

  sweepExpired(nowMs: number, limit: number): Promise<number> {
    return this.#write(() => {
      this.#tokens.forgetExpired(nowMs);
      return this.#records.sweep(nowMs, limit);
    });
  }

  retain(request: RetentionRequest): Promise<Retained> {
    return this.#read(() => this.#retention.retain(request));
  }

  statistics(nowMs: number): Promise<readonly AgentFigures[]> {
    return this.#read(() => this.#figures.statistics(nowMs));
  }

  distrust(positions: readonly number[]): Promise<number> {
    return this.#write(() => {
      const owners = positions.flatMap((position) => this.#records.distrust(position) ?? []);
      // Counted anew: what a damaged record added to the digest may be rot itself, and cannot be taken out.
      for (const agentId of new Set(owners)) this.#streams.setDigest(agentId, this.#records.recount(agentId));
      return owners.length;
    });
  }

  async recountDigests(): Promise<number> {
    let wrong = 0;
    for (const agentId of await this.#read(() => this.#streams.agentIds())) {
      wrong += await this.#write(() => {
        const counted = this.#records.recount(agentId);
        const isRight = digestText(counted) === this.#streams.digest({ agentId });
        if (!isRight) this.#streams.setDigest(agentId, counted);
        return isRight ? 0 : 1;
      });
    }
    return wrong;
  }

  copyTo(path: string, onProgress?: (progress: CopyProgress) => void): Promise<void> {
    return copyDatabase(this.#database, path, onProgress);
  }

  figures(): Promise<StoreFigures> {
    return this.#read(() => this.#overview.figures());
  }

  check(): Promise<void> {
    return this.#read(() => {
      try {
        this.#database.exec('BEGIN IMMEDIATE; UPDATE relay SET last_position = last_position');
      } finally {
        // Left open, it would swallow the next transaction. SQLite itself ends it after some failures.
        if (this.#database.inTransaction) this.#database.exec('ROLLBACK');
      }
    });
  }

  async close(): Promise<void> {
    this.leases.stop();
    this.#commits.drain();
    this.#database.close();
  }

  /** Whether the batch's digest speaks of the records that are here: nothing is left out, nothing is ahead. */
  #isComparable({ streamId }: Owner, { digest, upto }: BatchHeader, { rejects }: Taken): boolean {
    return digest !== undefined && rejects.length === 0 && !this.#records.hasAbove(streamId, upto.seq);
  }

  #claim(opening: SessionOpening): boolean {
    const claim = this.#sessions.claim(opening);
    if (claim === 'takes-over') for (const agentId of this.#streams.agentIdsOf(opening.node)) this.#readmit(agentId);
    return claim !== 'refused';
  }

  #begin(name: StreamName): StoredStream {
    const stream = this.#streams.begin(name);
    if (stream.isNew) this.#readmit(stream.agentId);
    return stream;
  }

  // Who goes on from elsewhere may know nothing of what was refused, and then not have what stands here in its place.
  #readmit(agentId: number): void {
    this.#streams.changeDigest({ agentId }, this.#records.readmitAll(agentId));
  }

  #merge(owner: Owner, changes: readonly IncomingChange[], { nowMs, areCurrent }: Merging): Taken {
    const tally: Tally = { areCurrent, counts: new Map(), digest: 0n };
    const rejects: Reject[] = [];
    let applied = 0;
    let stale = 0;
    for (const change of changes) {
      const merged = change.row === undefined ? 'contradicts' : this.#records.merge(owner, change.row, tally);
      if (merged === 'applied') applied += 1;
      else if (merged === 'stale') stale += 1;
      else {
        const refusal = change.refusal ?? contradiction(change);
        this.#deadLetters.keep(owner, change, refusal, nowMs);
        this.#records.outdate(owner, refusal, tally);
        rejects.push({ seq: change.seq, code: refusal.code, reason: refusal.reason });
      }
    }
    this.#records.addCounts(owner.agentId, tally.counts);
    for (const collection of tally.counts.keys()) this.#declared.noted(collection);
    this.#streams.changeDigest(owner, tally.digest);
    if (changes.length > 0) this.#streams.touch(owner, nowMs);
    return { applied, stale, rejects };
  }

  #write<Result>(run: () => Result, bytes = SMALL_WRITE_BYTES): Promise<Result> {
    return this.#commits.run({ run, bytes });
  }

  async #read<Result>(run: () => Result | Promise<Result>): Promise<Result> {
    try {
      return await run();
    } catch (error) {
      throw this.#guard.translate(error, 'the database could not be read', this.#database.name);
    }
  }
}
