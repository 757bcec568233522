import { statSync } from 'node:fs';

import {
  builtInCollections,
  type Collection,
  type CommitConfig,
  type Change,
  collectionNotFound,
  type Cursor,
  HoldfastError,
  type HybridClock,
  type Now,
  type Query,
  type Reject,
  type StreamPage,
} from '@holdfast/protocol';
import { copyDatabase, type Database, openMigrated, type StorageGuard, unguarded } from '@holdfast/sqlite';

import type { AgentSummary, CollectionCount } from './agent-figures.ts';
import { askAll } from './declared/ask-all.ts';
import { Declarations } from './declared/declarations.ts';
import { deriveAnew } from './declared/derive-anew.ts';
import { DerivedRange } from './declared/derived-range.ts';
import type { KeySpan } from './declared/portions.ts';
import { AGENT_LAYOUT, DerivedUpkeep } from './declared/upkeep.ts';
import { ExpirySweep } from './expiry.ts';
import { type FeedSide, LazyFeedSide } from './feed/feed-side.ts';
import { GroupCommit, type Outcome, savepointOf, type Unit } from './group-commit.ts';
import { IdempotencyKeys } from './idempotency.ts';
import type { Lineage } from './lineage.ts';
import { agentMigrations } from './migrations/index.ts';
import { operationBytes, type Write, type WriteResult } from './operation.ts';
import { Outbox, type OutboxReads, outboxReads } from './outbox.ts';
import { agentScope } from './query/agent-scope.ts';
import { type Lookups, openLookups } from './query/lookups.ts';
import { runQuery } from './query/run.ts';
import type { QueryResult } from './query/runnable.ts';
import type { Page } from './page.ts';
import { ReadSnapshot } from './read-snapshot.ts';
import { type ListPage, type ListScope, RecordReads } from './record-reads.ts';
import { isLive, RecordWriter } from './record-writer.ts';
import { type ComparedRecord, Reconciler, type Rewound, type Unaccounted } from './reconciler.ts';
import { AgentRetention } from './retention/agent-retention.ts';
import { type ComparedRetired, RetiredRecords } from './retention/retired-records.ts';
import type { StatisticsTally } from './retention/statistics.ts';
import { SeenFences } from './seen-fences.ts';
import type { ListedDocument, StoredDocument } from './stored-document.ts';
import type { Settlement } from './settlement.ts';
import { type StreamCounters, StreamState } from './stream-state.ts';
import { type CollectionsByResource, WrittenCollections } from './written-collections.ts';
import { RecordsTransaction, type Transact, type TransactionOptions } from './transaction.ts';

/** What an agent's file needs from its surroundings. */
export interface AgentStoreOptions {
  readonly path: string;
  readonly clock: HybridClock;
  readonly now: Now;
  readonly commit: CommitConfig;
  /** Called after each commit that gave out seqs, before its callers are answered, with what was written to. Must not throw. */
  readonly onCommit: (written: CollectionsByResource) => void;
  /** What is asked and told when the disk fails. Default: nobody. */
  readonly guard?: StorageGuard | undefined;
}

/**
 * One agent's file and everything done to it. There is one AgentStore for a file, in one process; reads see what is
 * committed. Writes are answered after their commit (protocol rule 1).
 */
export class AgentStore {
  /** What is asked beside queries. */
  readonly lookups: Lookups;
  readonly #database: Database;
  readonly #options: AgentStoreOptions;
  readonly #stream: StreamState;
  readonly #declarations: Declarations;
  readonly #writer: RecordWriter;
  readonly #retired: RetiredRecords;
  readonly #written = new WrittenCollections();
  readonly #outbox: Outbox;
  readonly #reconciler: Reconciler;
  readonly #outboxReads: OutboxReads;
  readonly #idempotency: IdempotencyKeys;
  readonly #fences: SeenFences;
  readonly #expiry: ExpirySweep;
  readonly #commits: GroupCommit;
  readonly #snapshot: ReadSnapshot;
  readonly #feed: LazyFeedSide;
  readonly #transaction: TransactionOptions;
  readonly #reads: RecordReads;
  /** Removes what is declared to be kept no longer. */
  readonly retention: AgentRetention;
  #notifiedSeq: number;
  #copies = 0;

  /** Opens the file, making it if needed. Throws what `openMigrated` throws. */
  constructor(options: AgentStoreOptions) {
    this.#options = options;
    const { clock, now } = options;
    const database = openMigrated(options.path, agentMigrations);
    this.#database = database;
    this.#stream = new StreamState(database);
    clock.observe(this.#stream.counters.lastVersion);
    const upkeep = new DerivedUpkeep(database, AGENT_LAYOUT, new DerivedRange(database));
    this.#declarations = new Declarations(database, upkeep);
    const [stream, declarations, written] = [this.#stream, this.#declarations, this.#written];
    const retired = new RetiredRecords(database, stream);
    this.#retired = retired;
    this.lookups = openLookups(database, declarations, { now, reading: (read) => this.#readingAll(read) });
    this.#writer = new RecordWriter(database, { stream, declarations, retired, written, clock, now });
    this.#outbox = new Outbox(database, this.#stream, this.#writer, now);
    this.#reconciler = new Reconciler(database, { stream, writer: this.#writer, retired, clock, now });
    this.#idempotency = new IdempotencyKeys(database, now);
    this.#fences = new SeenFences(database);
    this.#expiry = new ExpirySweep(database, this.#stream);
    this.#snapshot = new ReadSnapshot(database);
    this.#transaction = { database, writer: this.#writer, declarations, retired, now };
    this.#notifiedSeq = this.#stream.counters.lastSeq;
    this.#outboxReads = outboxReads(this.#outbox, (read) => this.#reading(read));
    const feed = new LazyFeedSide(database, () => ({
      stream,
      writer: this.#writer,
      commits: this.#commits,
      clock,
      now,
    }));
    this.#feed = feed;
    const hooks = {
      beforeBegin: () => this.#snapshot.end(),
      savepoint: savepointOf(stream, declarations, feed),
      beforeCommit: () => {
        this.#declarations.fit();
        this.#stream.write();
      },
      afterCommit: () => this.#notify(),
    };
    const commits = (this.#commits = new GroupCommit(database, options.commit, hooks, options.guard));
    const endReading = (): void => this.#snapshot.end();
    this.retention = new AgentRetention({ database, stream, declarations, retired, commits, endReading });
    this.#reads = new RecordReads(database, now);
  }

  /** The stream's name: random, made with the file. */
  get incarnation(): string {
    return this.#stream.incarnation;
  }

  /** See `StreamState.isCountedAnew`. */
  get isCountedAnew(): boolean {
    return this.#stream.isCountedAnew;
  }

  /** The stream's counters as of the last commit. */
  get counters(): Readonly<Omit<StreamCounters, 'collectionDeltas'>> {
    return this.#stream.counters;
  }

  /** Whether nothing waits to be written and nobody copies it: the file may be closed. */
  get isIdle(): boolean {
    return this.#commits.isIdle && this.#copies === 0;
  }

  /** For the file of what all nodes share. */
  get feed(): FeedSide {
    return this.#reading(() => this.#feed.get());
  }

  /** The outbox's reading side. Its writing side is reached through the methods below. */
  get outbox(): OutboxReads {
    return this.#outboxReads;
  }

  /** Writes operations together or not at all. Throws what `RecordWriter.apply`, `SeenFences.assertFresh` and `GroupCommit.run` throw. */
  write(write: Write): Promise<readonly WriteResult[]> {
    return this.#commits.run(this.#unitOf(write));
  }

  /** Writes many, each for itself, in one transaction; an outcome for each, in order. */
  writeEach(writes: readonly Write[]): Promise<Outcome<readonly WriteResult[]>[]> {
    return this.#commits.runEach(writes.map((write) => this.#unitOf(write)));
  }

  /** Reads and writes as one step; resolves after its commit. Throws what it throws, and what `GroupCommit.run` throws. */
  transact<Result>({ resource, run, idempotency }: Transact<Result>): Promise<Result> {
    const once = (): Result => {
      const { lastSeq } = this.#stream.counters;
      const effect = (): Result => run(new RecordsTransaction(this.#transaction, resource));
      const hasChanged = (): boolean => this.#stream.counters.lastSeq !== lastSeq;
      return this.#idempotency.once({ resource, idempotency }, effect, hasChanged);
    };
    return this.#commits.run({ run: once, bytes: 0 });
  }

  /** Reads one record; undefined when it is not there, deleted or expired. */
  read(resource: string, collection: string, id: string): StoredDocument | undefined {
    return this.#reading(() => {
      this.#snapshot.hold();
      return this.#reads.read(resource, collection, id);
    });
  }

  /** Whether a version of a record is what a read would find now. */
  isCurrent(resource: string, collection: string, id: string, version: string): boolean {
    const stored = this.#reading(() => this.#writer.find(resource, collection, id));
    return stored !== undefined && stored.version === version && isLive(stored, this.#options.now());
  }

  /** See `RecordReads.list`. */
  list(scope: ListScope, page: ListPage): Page<ListedDocument> {
    return this.#reading(() => this.#reads.list(scope, page));
  }

  /** Queries the records of one collection and resource. Throws `invalid-request`. */
  query(resource: string, collection: string, query: Query): QueryResult {
    return this.#readingAll(() => {
      const scope = agentScope({ resource, collection }, this.#declarations, this.#options.now());
      return runQuery(this.#database, query, scope);
    });
  }

  /** Throws `collection-not-found`, with the nearest name, for a collection that was neither declared nor ever written to. */
  assertCollection(name: string): void {
    if (!this.#declarations.knows(name)) throw collectionNotFound(name, this.#declarations.names);
  }

  /** The collections that have or had records, and how many each has. */
  collections(): CollectionCount[] {
    return this.#reading(() => this.#reads.collections());
  }

  /** What is declared of a collection; undefined: nothing. */
  declaration(name: string): Collection | undefined {
    return this.#declarations.find(name);
  }

  /** What is declared: what ships with Holdfast, then what the agent declared. */
  get declared(): readonly Collection[] {
    return [...(builtInCollections as readonly Collection[]), ...this.#declarations.own];
  }

  /** The file in numbers. Cheap: every figure is kept or indexed. */
  summary(): AgentSummary {
    const { lastSeq, acked, ackedAtMs, outbox } = this.#stream.counters;
    return {
      records: this.collections().reduce((sum, { records }) => sum + records, 0),
      bytes: fileBytes(this.#options.path) + fileBytes(`${this.#options.path}-wal`),
      lastSeq,
      acked,
      ackedAtMs,
      outbox,
      oldestMs: this.outbox.oldestMs() ?? null,
      deadLetters: this.#reading(() => this.#outbox.deadLetterCount()),
      nextExpiryMs: this.#reading(() => this.#expiry.nextMs()),
    };
  }

  /** See `Outbox.acknowledge`. */
  acknowledge(cursor: Cursor, rejects: readonly Reject[]): Promise<void> {
    return this.#commits.run({ run: () => this.#outbox.acknowledge(cursor, rejects), bytes: 0 });
  }

  /** See `Reconciler.rewind`. */
  rewind(cursor: Cursor): Promise<Rewound> {
    return this.#commits.run({ run: () => this.#reconciler.rewind(cursor), bytes: 0 });
  }

  /** See `Reconciler.adopt`. */
  adopt(page: Omit<StreamPage, 'starts'>, lineage: Lineage): Promise<Settlement> {
    return this.#commits.run({ run: () => this.#reconciler.adopt(page, lineage), bytes: 0 });
  }

  /** See `Reconciler.settle`. */
  settle(changes: readonly Change[], areCounted: boolean, lineage: Lineage): Promise<Settlement> {
    return this.#commits.run({ run: () => this.#reconciler.settle(changes, areCounted, lineage), bytes: 0 });
  }

  /** See `Reconciler.resend`. */
  resend(seqs: readonly number[]): Promise<number> {
    return this.#commits.run({ run: () => this.#reconciler.resend(seqs), bytes: 0 });
  }

  /** See `StreamState.recount`. */
  recount(): Promise<boolean> {
    const recount = (): boolean => {
      const wasWrong = this.#stream.recount();
      this.#options.clock.observe(this.#stream.counters.lastVersion);
      return wasWrong;
    };
    return this.#commits.run({ run: recount, bytes: 0 });
  }

  /** See `deriveAnew`. */
  deriveAnew(spans: readonly KeySpan[]): Promise<void> {
    return deriveAnew(this.#declarations.upkeep, spans, (run) => this.#commits.run({ run, bytes: 0 }));
  }

  /** See `Reconciler.compared`. */
  compared(afterSeq: number): ComparedRecord[] {
    return this.#reading(() => this.#reconciler.compared(afterSeq));
  }

  /** See `Reconciler.comparedRetired`. */
  comparedRetired(afterKey: Buffer): ComparedRetired[] {
    return this.#reading(() => this.#reconciler.comparedRetired(afterKey));
  }

  /** See `Reconciler.accept`. */
  accept(unaccounted: Unaccounted): Promise<Settlement> {
    return this.#commits.run({ run: () => this.#reconciler.accept(unaccounted), bytes: 0 });
  }

  /** See `RecordReads.tally`. */
  tally(sum: StatisticsTally, afterSeq: number): number | undefined {
    return this.#reading(() => this.#reads.tally(sum, afterSeq));
  }

  /** Sends a rejected record once more. Throws `dead-letter-not-found`. */
  retryDeadLetter(id: string): Promise<void> {
    return this.#commits.run({ run: () => assertFound(this.#outbox.retry(id), id), bytes: 0 });
  }

  /** Forgets a dead letter. Throws `dead-letter-not-found`. */
  dropDeadLetter(id: string): Promise<void> {
    return this.#commits.run({ run: () => assertFound(this.#outbox.drop(id), id), bytes: 0 });
  }

  /**
   * Removes what has expired by `nowMs`, at most `limit` records; returns how many. One the relay has not acknowledged
   * stays, unless the node has no relay: the relay might hold an older version, and would show that one for ever.
   */
  sweep(limit: number, hasRelay: boolean, nowMs: number = this.#options.now()): Promise<number> {
    return this.#commits.run({ run: () => this.#expiry.sweep(limit, hasRelay, nowMs), bytes: 0 });
  }

  /**
   * Copies the file as of a commit to a new file, see `copyDatabase`; reads and writes go on. `onProgress` ends the copy by
   * throwing. Throws `storage-failed` when the file is closed meanwhile.
   */
  async copyTo(path: string, onProgress: () => void): Promise<void> {
    this.#copies += 1;
    try {
      await copyDatabase(this.#database, path, onProgress);
    } finally {
      this.#copies -= 1;
    }
  }

  /** Commits what waits and closes the file. The store must not be used afterwards. */
  close(): void {
    this.#commits.drain();
    // Ends the snapshot too. By itself that may fail in a damaged file, and a file that is given up must not stay open.
    this.#database.close();
  }

  #readingAll<Result>(read: () => Result): Result {
    const { upkeep } = this.#declarations;
    return this.#reading(() => askAll(read, { upkeep, commits: this.#commits, snapshot: this.#snapshot }));
  }

  // Damage shows in reads as in writes: whoever looks after the file is told either way.
  #reading<Result>(read: () => Result): Result {
    try {
      return read();
    } catch (error) {
      throw (this.#options.guard ?? unguarded).translate(error, 'a read failed', this.#options.path);
    }
  }

  #unitOf(write: Write): Unit<readonly WriteResult[]> {
    const { resource, operations, fences = [], idempotency } = write;
    const effect = (): WriteResult[] => {
      this.#fences.assertFresh(resource, fences);
      return operations.map((operation) => this.#writer.apply(resource, operation));
    };
    const isBare = idempotency === undefined && fences.length === 0;
    return {
      run: () => this.#idempotency.once(write, effect),
      bytes: operations.reduce((sum, operation) => sum + operationBytes(operation), 0),
      isOneStatement: operations.length === 1 && isBare && !this.#retired.mayHaveAny,
    };
  }

  #notify(): void {
    const { lastSeq } = this.#stream.counters;
    const written = this.#written.take();
    if (lastSeq === this.#notifiedSeq) return;
    this.#notifiedSeq = lastSeq;
    this.#options.onCommit(written);
  }
}

function fileBytes(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function assertFound(found: boolean, id: string): void {
  if (!found) throw new HoldfastError('dead-letter-not-found', `there is no dead letter ${id}`);
}
