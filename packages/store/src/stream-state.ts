import { randomBytes } from 'node:crypto';

import { type Cursor, ZERO_VERSION } from '@holdfast/protocol';
import type { Database, Statement } from '@holdfast/sqlite';

import { digestOf, digestText, EMPTY_DIGEST, isDigest, storedShare } from './digest.ts';
import type { StoredColumns } from './row.ts';
import { isSealed, sealed, sealedColumns } from './seal.ts';

/** What a stream's counters are, between transactions equal to the file's `stream` row. */
export interface StreamCounters {
  /** Position given last. */
  lastSeq: number;
  /** Version given or seen last; the clock never goes below it again (protocol rule 19). */
  lastVersion: string;
  /** Up to where the relay holds the stream. */
  acked: Cursor;
  /** When the relay acknowledged last, in milliseconds; null: never. */
  ackedAtMs: number | null;
  /** Records above the acknowledged cursor. */
  outbox: number;
  /** Of all the records, as the relay must hold them once nothing waits (protocol rule 12). */
  digest: bigint;
  /** Live records by collection that changed in this transaction. */
  collectionDeltas: ReadonlyMap<string, number>;
}

interface StreamColumns {
  readonly incarnation: string;
  readonly last_seq: number;
  readonly last_version: string;
  readonly acked_seq: number;
  readonly acked_version: string;
  readonly acked_at: number | null;
  readonly outbox: number;
  readonly digest: string;
}

type CountedColumns = Pick<StoredColumns, 'seq' | 'version' | 'hash' | 'expires_at' | 'rejected' | 'relay_hash'>;

interface RetiredColumns {
  readonly seq: number;
  readonly version: string;
  readonly share: string;
}

const NO_DELTAS: ReadonlyMap<string, number> = new Map();

/**
 * The counters of one agent's stream, kept in memory while the file is open and written once for each transaction.
 * The file is theirs: they change with the records, in the same transaction (protocol rule 1).
 */
export class StreamState {
  /** Random name of this life of the file: `(node, agent, incarnation)` is one stream. */
  readonly incarnation: string;
  /** Whether the file's row was not what was written when it was opened, so that all was counted anew. */
  readonly isCountedAnew: boolean;
  readonly #save: Statement;
  readonly #count: Statement;
  readonly #records: Statement;
  readonly #retired: Statement;
  #counters: StreamCounters;
  #isDirty = false;

  constructor(database: Database) {
    const columns = sealedColumns('stream');
    const places = '?, ?, ?, ?, ?, ?, ?, ?, ?';
    const born = [randomBytes(16).toString('hex'), 0, ZERO_VERSION, 0, ZERO_VERSION, null, 0, EMPTY_DIGEST];
    database
      .prepare(`INSERT INTO stream (id, ${columns}) VALUES (1, ${places}) ON CONFLICT DO NOTHING`)
      .run(...sealed(born));
    const row = database.prepare(`SELECT ${columns} FROM stream WHERE id = 1`).get() as StreamColumns;
    this.#save = database.prepare(`UPDATE stream SET (${columns}) = (${places}) WHERE id = 1`);
    this.#records = database.prepare('SELECT seq, version, hash, expires_at, rejected, relay_hash FROM records');
    this.#retired = database.prepare('SELECT seq, version, share FROM retired');
    this.#count = database.prepare(
      `INSERT INTO collections (name, records) VALUES (?, ?)
       ON CONFLICT (name) DO UPDATE SET records = records + excluded.records`,
    );
    this.incarnation = row.incarnation;
    this.isCountedAnew = !isSealed('stream', row);
    this.#counters = this.isCountedAnew ? uncounted(row.last_seq) : countersOf(row);
    if (this.isCountedAnew) this.recount();
  }

  /** The counters as they are now; inside a transaction, with what it did so far. */
  get counters(): Readonly<StreamCounters> {
    return this.#counters;
  }

  /** Changes some counters. */
  set(changes: Partial<StreamCounters>): void {
    Object.assign(this.#counters, changes);
    this.#isDirty = true;
  }

  /** Gives the next position. */
  nextSeq(): number {
    this.#isDirty = true;
    return (this.#counters.lastSeq += 1);
  }

  /** Takes shares of records into the digest, or out of it again: XOR does both. */
  xorDigest(share: bigint): void {
    this.#counters.digest ^= share;
    this.#isDirty = true;
  }

  /** Notes that a collection has `delta` more live records. */
  count(collection: string, delta: number): void {
    const deltas = new Map(this.#counters.collectionDeltas);
    deltas.set(collection, (deltas.get(collection) ?? 0) + delta);
    this.set({ collectionDeltas: deltas });
  }

  /**
   * Counts anew, from the records and what is remembered of removed ones, what is kept of them: how far they go, how many wait, what they come to. Looks at each in one
   * go: for a million about a second. Returns whether any of it was wrong. It is written with the next transaction.
   */
  recount(): boolean {
    const { acked, lastSeq, lastVersion, outbox, digest } = this.#counters;
    const counted = { lastSeq, lastVersion, outbox: 0, digest: 0n };
    for (const columns of this.#records.iterate() as IterableIterator<CountedColumns>) {
      counted.lastSeq = Math.max(counted.lastSeq, columns.seq);
      if (columns.version > counted.lastVersion) counted.lastVersion = columns.version;
      if (columns.seq > acked.seq) counted.outbox += 1;
      counted.digest ^= storedShare(columns);
    }
    for (const { seq, version, share } of this.#retired.iterate() as IterableIterator<RetiredColumns>) {
      counted.lastSeq = Math.max(counted.lastSeq, seq);
      if (version > counted.lastVersion) counted.lastVersion = version;
      if (isDigest(share)) counted.digest ^= digestOf(share);
    }
    this.set(counted);
    const isRight =
      counted.lastSeq === lastSeq &&
      counted.lastVersion === lastVersion &&
      counted.outbox === outbox &&
      counted.digest === digest;
    return !isRight;
  }

  /** Remembers the counters; the function returned puts them back. */
  savepoint(): () => void {
    const saved = { ...this.#counters };
    return () => {
      this.#counters = saved;
    };
  }

  /** Writes the counters down, inside the transaction that changed them. */
  write(): void {
    if (!this.#isDirty) return;
    const { lastSeq, lastVersion, acked, ackedAtMs, outbox, digest, collectionDeltas } = this.#counters;
    const { incarnation } = this;
    const { seq, version } = acked;
    const row = [incarnation, lastSeq, lastVersion, seq, version, ackedAtMs, outbox, digestText(digest)];
    this.#save.run(...sealed(row));
    for (const [name, delta] of collectionDeltas) this.#count.run(name, delta);
    this.#counters.collectionDeltas = NO_DELTAS;
    this.#isDirty = false;
  }
}

function countersOf(row: StreamColumns): StreamCounters {
  return {
    lastSeq: row.last_seq,
    lastVersion: row.last_version,
    acked: { seq: row.acked_seq, version: row.acked_version },
    ackedAtMs: row.acked_at,
    outbox: row.outbox,
    digest: digestOf(row.digest),
    collectionDeltas: NO_DELTAS,
  };
}

/**
 * Counters of which nothing is known but how far the stream seems to have come: too far does no harm. What the relay holds it
 * will say itself (protocol rule 6).
 */
function uncounted(lastSeq: unknown): StreamCounters {
  return {
    lastSeq: Number.isSafeInteger(lastSeq) ? Math.max(0, lastSeq as number) : 0,
    lastVersion: ZERO_VERSION,
    acked: { seq: 0, version: ZERO_VERSION },
    ackedAtMs: null,
    outbox: 0,
    digest: 0n,
    collectionDeltas: NO_DELTAS,
  };
}
