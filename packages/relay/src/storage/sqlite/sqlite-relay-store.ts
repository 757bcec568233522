import {
  type CommitConfig,
  type Cursor,
  type DeadLetter,
  HoldfastError,
  type NetworkQuery,
  type NodeInfo,
  type Reject,
  ZERO_VERSION,
} from '@holdfast/protocol';
import { type Database, migrate, openDatabase, translateSqliteError } from '@holdfast/sqlite';
import { type CollectionCount, GroupCommit, type QueryResult } from '@holdfast/store';

import type {
  IncomingBatch,
  IncomingChange,
  IncomingImmediate,
  Refusal,
  RelayStore,
  SessionOpening,
  StoredDeadLetter,
  StoreFigures,
  StreamCursor,
  StreamName,
  StreamPart,
  Taken,
  TokenEntry,
} from '../relay-store.ts';
import { DeadLetterTable } from './dead-letter-table.ts';
import { FeedPosition } from './feed-position.ts';
import { sqliteRelayMigrations } from './migrations/index.ts';
import { runNetworkQuery } from './network-query.ts';
import { Overview } from './overview.ts';
import { type Owner, RecordTable } from './record-table.ts';
import { cloned, SessionTable } from './session-table.ts';
import { StreamTable } from './stream-table.ts';
import { TokenTable } from './token-table.ts';

/** Rough size of a write that carries no documents. */
const SMALL_WRITE_BYTES = 256;

/**
 * The relay's store in one SQLite file. All writes go through one group commit, so that the batches of many nodes share
 * a transaction; reads run on the same connection and see only what is committed.
 */
export class SqliteRelayStore implements RelayStore {
  readonly epoch: string;
  readonly #database: Database;
  readonly #commits: GroupCommit;
  readonly #records: RecordTable;
  readonly #streams: StreamTable;
  readonly #sessions: SessionTable;
  readonly #deadLetters: DeadLetterTable;
  readonly #tokens: TokenTable;
  readonly #overview: Overview;

  /** Opens the file, making it and bringing its schema up to date as needed. Throws like `openDatabase` and `migrate`. */
  constructor(path: string, config: CommitConfig) {
    this.#database = openDatabase(path);
    migrate(this.#database, sqliteRelayMigrations);
    const feed = new FeedPosition(this.#database);
    this.epoch = feed.epoch;
    this.#commits = new GroupCommit(this.#database, config, {
      savepoint: () => feed.savepoint(),
      beforeCommit: () => feed.save(),
      afterCommit: () => feed.saved(),
    });
    this.#records = new RecordTable(this.#database, feed);
    this.#streams = new StreamTable(this.#database);
    this.#sessions = new SessionTable(this.#database);
    this.#deadLetters = new DeadLetterTable(this.#database);
    this.#tokens = new TokenTable(this.#database);
    this.#overview = new Overview(this.#database);
  }

  async openSession(opening: SessionOpening): Promise<readonly StreamCursor[]> {
    const isOpen = await this.#write(() => this.#sessions.claim(opening));
    if (!isOpen) throw cloned(opening.node);
    return this.#read(() => this.#streams.ofNode(opening.node));
  }

  takeBatch(batch: IncomingBatch): Promise<Taken> {
    const { node, header, changes, bytes, nowMs } = batch;
    return this.#write(() => {
      if (!this.#sessions.claim({ ...batch, predecessors: [] })) throw cloned(node);
      const stream = this.#streams.begin({ node, agent: header.agent, incarnation: header.incarnation });
      assertFastForward(header.base, stream.cursor);
      const taken = this.#merge(stream, changes, nowMs);
      this.#streams.move(stream, header.upto);
      return taken;
    }, bytes);
  }

  takeImmediate(immediate: IncomingImmediate): Promise<Taken> {
    const { node, agent, incarnation, change, nowMs } = immediate;
    return this.#write(() => {
      if (!this.#sessions.claim({ ...immediate, predecessors: [] })) throw cloned(node);
      return this.#merge(this.#streams.begin({ node, agent, incarnation }), [change], nowMs);
    }, change.line.length);
  }

  streamPart(name: StreamName, afterSeq: number): Promise<StreamPart> {
    return this.#read(() => {
      const stream = this.#streams.find(name);
      if (stream === undefined) return { cursor: { seq: 0, version: ZERO_VERSION }, rows: [], more: false };
      return { cursor: stream.cursor, ...this.#records.above(stream.streamId, afterSeq) };
    });
  }

  query(query: NetworkQuery, nowMs: number, onlyNode?: string): Promise<QueryResult> {
    return this.#read(() => runNetworkQuery(this.#database, query, nowMs, onlyNode));
  }

  nodes(): Promise<readonly NodeInfo[]> {
    return this.#read(() => this.#overview.nodes());
  }

  collections(): Promise<readonly CollectionCount[]> {
    return this.#read(() => this.#overview.collections());
  }

  deadLetters(limit: number): Promise<readonly DeadLetter[]> {
    return this.#read(() => this.#deadLetters.list(limit));
  }

  deadLetter(id: string): Promise<StoredDeadLetter> {
    return this.#read(() => this.#deadLetters.get(id));
  }

  retryDeadLetter(id: string, change: IncomingChange, nowMs: number): Promise<Taken> {
    return this.#write(() => {
      const taken = this.#merge(this.#deadLetters.owner(id), [change], nowMs);
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
    return this.#write(() => this.#tokens.join(joinTokenId, credential));
  }

  sweepExpired(nowMs: number, limit: number): Promise<number> {
    return this.#write(() => {
      this.#tokens.forgetExpired(nowMs);
      return this.#records.sweep(nowMs, limit);
    });
  }

  figures(): Promise<StoreFigures> {
    return this.#read(() => this.#overview.figures());
  }

  check(): Promise<void> {
    return this.#read(() => {
      this.#database.exec('BEGIN IMMEDIATE; UPDATE relay SET last_position = last_position; ROLLBACK');
    });
  }

  async close(): Promise<void> {
    this.#commits.drain();
    this.#database.pragma('wal_checkpoint(TRUNCATE)');
    this.#database.close();
  }

  #merge(owner: Owner, changes: readonly IncomingChange[], nowMs: number): Taken {
    const counts = new Map<string, number>();
    const rejects: Reject[] = [];
    let applied = 0;
    let stale = 0;
    for (const change of changes) {
      const merged = change.row === undefined ? 'contradicts' : this.#records.merge(owner, change.row, counts);
      if (merged === 'applied') applied += 1;
      else if (merged === 'stale') stale += 1;
      else rejects.push(this.#reject(owner, change, nowMs));
    }
    this.#records.addCounts(owner.agentId, counts);
    if (changes.length > 0) this.#streams.touch(owner, nowMs);
    return { applied, stale, rejects };
  }

  #reject(owner: Owner, change: IncomingChange, nowMs: number): Reject {
    const refusal = change.refusal ?? contradiction(change);
    this.#deadLetters.keep(owner, change, refusal, nowMs);
    return { seq: change.seq, code: refusal.code, reason: refusal.reason };
  }

  #write<Result>(run: () => Result, bytes = SMALL_WRITE_BYTES): Promise<Result> {
    return this.#commits.run({ run, bytes });
  }

  async #read<Result>(run: () => Result): Promise<Result> {
    try {
      return run();
    } catch (error) {
      throw translateSqliteError(error, 'the database could not be read');
    }
  }
}

function assertFastForward(base: Cursor, cursor: Cursor): void {
  if (base.seq === cursor.seq && base.version === cursor.version) return;
  throw new HoldfastError('cursor-mismatch', `the stream stands at seq ${cursor.seq} here, not at ${base.seq}`, {
    extensions: { cursor },
  });
}

function contradiction({ row }: IncomingChange): Refusal {
  if (row === undefined) throw new Error('a change without a row was not refused when it was read');
  const { resource, collection, id: record, version } = row;
  const reason = 'the relay holds other content under this very version';
  return { code: 'invalid-request', reason, resource, collection, record, version };
}
