import { statSync } from 'node:fs';

import {
  type CommitConfig,
  type Cursor,
  HoldfastError,
  type HybridClock,
  limits,
  type Now,
  type Query,
  type Reject,
  type StreamPage,
} from '@holdfast/protocol';
import { type Database, migrate, openDatabase, type Statement } from '@holdfast/sqlite';

import { ExpirySweep } from './expiry.ts';
import { GroupCommit, type Outcome, type Unit } from './group-commit.ts';
import { IdempotencyKeys } from './idempotency.ts';
import { agentMigrations } from './migrations/index.ts';
import { operationBytes, type Write, type WriteResult } from './operation.ts';
import { Outbox } from './outbox.ts';
import { type QueryResult, runQuery } from './query/run.ts';
import { sql } from './query/sql.ts';
import { type Page, takePage } from './page.ts';
import { ReadSnapshot } from './read-snapshot.ts';
import { isLive, RecordWriter } from './record-writer.ts';
import type { StreamCounters } from './stream-state.ts';
import { StreamState } from './stream-state.ts';

/** No character sorts above it; so many of them as an id may be long sort above all ids of a prefix. */
const GREATEST_CHARACTER = '\u{10FFFF}';

/** What an agent's file needs from its surroundings. */
export interface AgentStoreOptions {
  readonly path: string;
  readonly clock: HybridClock;
  readonly now: Now;
  readonly commit: CommitConfig;
  /** `counters.bootSeq` of the store that had the file open before in this process; undefined if none had. */
  readonly bootSeq?: number | undefined;
  /** Called after each commit that gave out seqs, before its callers are answered. Must not throw. */
  readonly onCommit: () => void;
}

/** A record as it is read: the document's text as stored. */
export interface StoredDocument {
  readonly version: string;
  readonly text: string;
}

/** An entry of a listing by id. */
export interface ListedDocument extends StoredDocument {
  readonly id: string;
  readonly updatedAtMs: number;
  readonly expiresAtMs: number | null;
}

/** What there is to say about an agent's file without looking into it again. */
export interface AgentSummary {
  /** Live records over all collections; expired ones not yet swept count. */
  readonly records: number;
  /** Size of the file and its write-ahead log, in bytes. */
  readonly bytes: number;
  readonly lastSeq: number;
  readonly acked: Cursor;
  readonly ackedAtMs: number | null;
  readonly outbox: number;
  /** When the oldest waiting change was made; null if none waits. */
  readonly oldestMs: number | null;
  readonly deadLetters: number;
  /** When the next record or remembered request expires; null if none does. */
  readonly nextExpiryMs: number | null;
}

/** A collection that has or had records. */
export interface CollectionCount {
  readonly name: string;
  readonly records: number;
}

/**
 * One agent's file and everything done to it. There is one AgentStore for a file, in one process; reads see what is
 * committed. Writes are answered after their commit (protocol rule 1).
 */
export class AgentStore {
  readonly #database: Database;
  readonly #options: AgentStoreOptions;
  readonly #stream: StreamState;
  readonly #writer: RecordWriter;
  readonly #outbox: Outbox;
  readonly #idempotency: IdempotencyKeys;
  readonly #expiry: ExpirySweep;
  readonly #commits: GroupCommit;
  readonly #snapshot: ReadSnapshot;
  readonly #get: Statement;
  readonly #list: Statement;
  readonly #collections: Statement;
  #notifiedSeq: number;

  /** Opens the file, making it if needed. Throws what `openDatabase` and `migrate` throw. */
  constructor(options: AgentStoreOptions) {
    this.#options = options;
    const { clock, now } = options;
    const database = openMigrated(options.path);
    this.#database = database;
    this.#stream = new StreamState(database, options.bootSeq);
    clock.observe(this.#stream.counters.lastVersion);
    this.#writer = new RecordWriter(database, this.#stream, clock, now);
    this.#outbox = new Outbox(database, this.#stream, this.#writer, { clock, now });
    this.#idempotency = new IdempotencyKeys(database, now);
    this.#expiry = new ExpirySweep(database, this.#stream, now);
    this.#snapshot = new ReadSnapshot(database);
    this.#notifiedSeq = this.#stream.counters.lastSeq;
    this.#commits = new GroupCommit(database, options.commit, {
      beforeBegin: () => this.#snapshot.end(),
      savepoint: () => this.#stream.savepoint(),
      beforeCommit: () => this.#stream.write(),
      afterCommit: () => this.#notify(),
    });
    this.#get = database.prepare(
      `SELECT version, doc AS text FROM records
       WHERE collection = ? AND resource = ? AND id = ? AND deleted = 0 AND (expires_at IS NULL OR expires_at > ?)`,
    );
    this.#list = database.prepare(
      `SELECT id, version, doc AS text, updated_at AS updatedAtMs, expires_at AS expiresAtMs FROM records
       WHERE collection = ? AND resource = ? AND id > ? AND id >= ? AND id < ?
         AND deleted = 0 AND (expires_at IS NULL OR expires_at > ?)
       ORDER BY id LIMIT ?`,
    );
    this.#collections = database.prepare('SELECT name, records FROM collections ORDER BY name');
  }

  /** The stream's name: random, made with the file. */
  get incarnation(): string {
    return this.#stream.incarnation;
  }

  /** The stream's counters as of the last commit. */
  get counters(): Readonly<Omit<StreamCounters, 'collectionDeltas'>> {
    return this.#stream.counters;
  }

  /** Whether nothing waits to be written: the file may be closed. */
  get isIdle(): boolean {
    return this.#commits.isIdle;
  }

  /** The outbox's reading side. Its writing side is reached through the methods below. */
  get outbox(): Pick<Outbox, 'next' | 'above' | 'line' | 'oldestMs' | 'deadLetters'> {
    return this.#outbox;
  }

  /** Writes operations together or not at all. Throws what `RecordWriter.apply` and `GroupCommit.run` throw. */
  write(write: Write): Promise<readonly WriteResult[]> {
    return this.#commits.run(this.#unitOf(write));
  }

  /** Writes many, each for itself, in one transaction; an outcome for each, in order. */
  writeEach(writes: readonly Write[]): Promise<Outcome<readonly WriteResult[]>[]> {
    return this.#commits.runEach(writes.map((write) => this.#unitOf(write)));
  }

  /** Reads one record; undefined when it is not there, deleted or expired. */
  read(resource: string, collection: string, id: string): StoredDocument | undefined {
    this.#snapshot.hold();
    return this.#get.get(collection, resource, id, this.#options.now()) as StoredDocument | undefined;
  }

  /** Whether a version of a record is what a read would find now. */
  isCurrent(resource: string, collection: string, id: string, version: string): boolean {
    const stored = this.#writer.find(resource, collection, id);
    return stored !== undefined && stored.version === version && isLive(stored, this.#options.now());
  }

  /** A page of the records of a collection whose id begins with `prefix`, by id, after the id `after`. */
  list(
    scope: { resource: string; collection: string },
    page: { prefix: string; after: string; limit: number },
  ): Page<ListedDocument> {
    const { resource, collection } = scope;
    const end = page.prefix + GREATEST_CHARACTER.repeat(limits.idLength);
    const bounds = [collection, resource, page.after, page.prefix, end, this.#options.now(), page.limit + 1];
    return takePage(this.#list.iterate(bounds) as Iterable<ListedDocument>, page.limit, ({ text }) => text);
  }

  /** Queries the records of one collection and resource. Throws `invalid-request`. */
  query(resource: string, collection: string, query: Query): QueryResult {
    return runQuery(this.#database, query, {
      name: JSON.stringify([resource, collection]),
      from: 'records',
      columns: queryColumns,
      visible: sql(
        'collection = ? AND resource = ? AND deleted = 0 AND (expires_at IS NULL OR expires_at > ?)',
        collection,
        resource,
        this.#options.now(),
      ),
      listed: 'resource, collection, id, version, created_at, updated_at, expires_at, doc',
      tieBreakers: ['id'],
    });
  }

  /** The collections that have or had records, and how many each has. */
  collections(): CollectionCount[] {
    return this.#collections.all() as CollectionCount[];
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
      oldestMs: this.#outbox.oldestMs() ?? null,
      deadLetters: this.#outbox.deadLetterCount(),
      nextExpiryMs: this.#expiry.nextMs(),
    };
  }

  /** See `Outbox.acknowledge`. */
  acknowledge(cursor: Cursor, rejects: readonly Reject[]): Promise<void> {
    return this.#commits.run({ run: () => this.#outbox.acknowledge(cursor, rejects), bytes: 0 });
  }

  /** See `Outbox.rewind`. */
  rewind(cursor: Cursor): Promise<void> {
    return this.#commits.run({ run: () => this.#outbox.rewind(cursor), bytes: 0 });
  }

  /** See `Outbox.adopt`. */
  adopt(page: StreamPage): Promise<void> {
    return this.#commits.run({ run: () => this.#outbox.adopt(page), bytes: 0 });
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
   * Removes expired records, at most `limit`; returns how many. One the relay has not acknowledged stays, unless the
   * node has no relay: the relay might hold an older version, and would show that one for ever.
   */
  sweep(limit: number, hasRelay: boolean): Promise<number> {
    return this.#commits.run({ run: () => this.#expiry.sweep(limit, hasRelay), bytes: 0 });
  }

  /** Commits what waits and closes the file. The store must not be used afterwards. */
  close(): void {
    this.#commits.drain();
    this.#snapshot.end();
    this.#database.close();
  }

  #unitOf(write: Write): Unit<readonly WriteResult[]> {
    return {
      run: () =>
        this.#idempotency.once(write, () =>
          write.operations.map((operation) => this.#writer.apply(write.resource, operation)),
        ),
      bytes: write.operations.reduce((sum, operation) => sum + operationBytes(operation), 0),
      isOneStatement: write.operations.length === 1 && write.idempotency === undefined,
    };
  }

  #notify(): void {
    const { lastSeq } = this.#stream.counters;
    if (lastSeq === this.#notifiedSeq) return;
    this.#notifiedSeq = lastSeq;
    this.#options.onCommit();
  }
}

const queryColumns = {
  id: { column: 'id', kind: 'text' },
  version: { column: 'version', kind: 'text' },
  resource: { column: 'resource', kind: 'text' },
  created_at: { column: 'created_at', kind: 'time' },
  updated_at: { column: 'updated_at', kind: 'time' },
  expires_at: { column: 'expires_at', kind: 'time' },
} as const;

function openMigrated(path: string): Database {
  const database = openDatabase(path);
  try {
    migrate(database, agentMigrations);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function fileBytes(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function assertFound(found: boolean, id: string): void {
  if (!found) throw new HoldfastError('dead-letter-not-found', `there is no dead letter ${id}`);
}
