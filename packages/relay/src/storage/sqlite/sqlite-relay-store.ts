import {
  DeclaredCollections,
  networkScope,
  type NetworkStreamOptions,
  type NetworkView,
  type NodeReader,
} from '@holdfast/network';
import {
  type CommitConfig,
  type DeadLetter,
  type NetworkQuery,
  type NodeInfo,
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
  type KeySpan,
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
import { DeadLetterTable } from './dead-letter-table.ts';
import { FeedPosition } from './feed-position.ts';
import { FeedTable } from './feed-table.ts';
import { Merger } from './merger.ts';
import { sqliteRelayMigrations } from './migrations/index.ts';
import { NetworkFigures } from './network-figures.ts';
import { Overview } from './overview.ts';
import { RecordTable } from './record-table.ts';
import { assertFastForward } from './refusals.ts';
import { RelayRetention } from './relay-retention.ts';
import { RetiredTable } from './retired-table.ts';
import { cloned, SessionTable } from './session-table.ts';
import { SqliteFeed } from './sqlite-feed.ts';
import { StartTable } from './start-table.ts';
import { StreamTable } from './stream-table.ts';
import type { Surroundings } from './surroundings.ts';
import { TokenTable } from './token-table.ts';
import { WaitingTable } from './waiting-table.ts';

/** Rough size of a write that carries no documents. */
const SMALL_WRITE_BYTES = 256;

/**
 * The relay's store in one SQLite file. All writes go through one group commit, so that the batches of many nodes share
 * a transaction; reads run on the same connection and see only what is committed.
 */
export class SqliteRelayStore implements RelayStore {
  readonly leases: SqliteLeases;
  readonly #database: Database;
  readonly feed: SqliteFeed;
  readonly #position: FeedPosition;
  readonly #guard: StorageGuard;
  readonly #commits: GroupCommit;
  readonly #declared: DeclaredCollections;
  readonly #records: RecordTable;
  readonly #streams: StreamTable;
  readonly #sessions: SessionTable;
  readonly #starts: StartTable;
  readonly #deadLetters: DeadLetterTable;
  readonly #merger: Merger;
  readonly #tokens: TokenTable;
  readonly #waiting: WaitingTable;
  readonly #overview: Overview;
  readonly #figures: NetworkFigures;
  readonly #retention: RelayRetention;
  readonly #copy: AgentCopy;
  readonly #rows: RowSource | undefined;

  /** Opens the file, making it and bringing its schema up to date as needed. Throws like `openMigrated`. */
  constructor(path: string, config: CommitConfig, { guard = unguarded, rows, onUnindexed }: Surroundings = {}) {
    [this.#guard, this.#rows] = [guard, rows];
    this.#database = openMigrated(path, sqliteRelayMigrations);
    const position = new FeedPosition(this.#database);
    const declared = new DeclaredCollections(this.#database, onUnindexed);
    this.#position = position;
    this.#declared = declared;
    const removals = new FeedTable(this.#database, declared);
    this.feed = new SqliteFeed(removals, (run) => this.#read(run));
    const hooks = {
      savepoint: savepointOf(position, declared),
      beforeCommit: () => {
        declared.fit();
        position.save();
      },
      afterCommit: () => {
        if (position.saved()) this.feed.moved();
      },
    };
    this.#commits = new GroupCommit(this.#database, config, hooks, guard);
    this.leases = new SqliteLeases({ database: this.#database, write: (run) => this.#write(run) });
    const retired = new RetiredTable(this.#database);
    this.#records = new RecordTable(this.#database, { position, retired, removals });
    this.#streams = new StreamTable(this.#database);
    this.#sessions = new SessionTable(this.#database);
    this.#starts = new StartTable(this.#database);
    this.#deadLetters = new DeadLetterTable(this.#database);
    this.#tokens = new TokenTable(this.#database);
    const [records, streams, deadLetters] = [this.#records, this.#streams, this.#deadLetters];
    this.#merger = new Merger({ records, streams, deadLetters, declared });
    this.#waiting = new WaitingTable(this.#database);
    this.#overview = new Overview(this.#database);
    this.#copy = new AgentCopy(this.#database, retired);
    this.#figures = new NetworkFigures(this.#database);
    this.#retention = new RelayRetention(this.#database, {
      declared,
      retired,
      removals,
      write: (run) => this.#write(run),
    });
  }

  get epoch(): string {
    return this.#position.epoch;
  }

  get position(): number {
    return this.#position.committed;
  }

  async renewEpoch(): Promise<void> {
    const committed = await this.#write(() => this.#position.renewEpoch());
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
      const stream = this.#merger.begin({ node, agent: header.agent, incarnation: header.incarnation });
      assertFastForward(header.base, stream.cursor);
      const taken = this.#merger.merge(stream, changes, { nowMs, areCurrent: true });
      this.#streams.move(stream, header.upto);
      this.#waiting.follow(stream, header);
      return this.#merger.isComparable(stream, header, taken)
        ? { ...taken, digest: this.#streams.digest(stream) }
        : taken;
    }, bytes);
  }

  takeImmediate(immediate: IncomingImmediate): Promise<Taken> {
    const { node, agent, incarnation, change, nowMs } = immediate;
    return this.#write(() => {
      if (!this.#claim({ ...immediate, predecessors: [] })) throw cloned(node);
      return this.#merger.merge(this.#merger.begin({ node, agent, incarnation }), [change], {
        nowMs,
        areCurrent: false,
      });
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
      this.#overview.collections().map((count) => ({ ...count, ...this.#declared.about(count.name) })),
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
      const taken = this.#merger.merge(this.#deadLetters.owner(id), [change], { nowMs, areCurrent: false });
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

  deriveAnew(spans: readonly KeySpan[]): Promise<void> {
    return this.#declared.deriveAnew(spans, (run) => this.#write(run));
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

  #claim(opening: SessionOpening): boolean {
    const claim = this.#sessions.claim(opening);
    if (claim === 'takes-over') this.#merger.readmitAll(opening.node);
    return claim !== 'refused';
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
