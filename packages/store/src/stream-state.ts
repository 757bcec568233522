import { randomBytes } from 'node:crypto';

import { type Cursor, ZERO_VERSION } from '@holdfast/protocol';
import type { Database, Statement } from '@holdfast/sqlite';

import { digestOf, digestText } from './digest.ts';

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
  /**
   * Records of a higher version were written here since this daemon start first opened the file, and so after any restoring
   * of the file from a copy, and before the relay was found to hold the same. Not stored: it is about this process.
   */
  startVersion: string;
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

const NO_VERSION_ABOVE = 'ffffffffffff-ffff-ffffffff';

const DIGEST = /^[0-9a-f]{16}$/;

const NO_DELTAS: ReadonlyMap<string, number> = new Map();

/**
 * The counters of one agent's stream, kept in memory while the file is open and written once for each transaction.
 * The file is theirs: they change with the records, in the same transaction (protocol rule 1).
 */
export class StreamState {
  /** Random name of this life of the file: `(node, agent, incarnation)` is one stream. */
  readonly incarnation: string;
  readonly #save: Statement;
  readonly #count: Statement;
  #counters: StreamCounters;
  #isDirty = false;

  /** `startVersion`: what it was when the file was last closed in this process; undefined when it was not open before. */
  constructor(database: Database, startVersion: string | undefined) {
    database
      .prepare(
        `INSERT INTO stream (id, incarnation, last_seq, last_version, acked_seq, acked_version, acked_at, outbox)
         VALUES (1, ?, 0, ?, 0, ?, NULL, 0) ON CONFLICT DO NOTHING`,
      )
      .run(randomBytes(16).toString('hex'), ZERO_VERSION, ZERO_VERSION);
    const row = database
      .prepare(
        `SELECT incarnation, last_seq, last_version, acked_seq, acked_version, acked_at, outbox, digest
         FROM stream WHERE id = 1`,
      )
      .get() as StreamColumns;
    this.#save = database.prepare(
      `UPDATE stream SET last_seq = ?, last_version = ?, acked_seq = ?, acked_version = ?, acked_at = ?, outbox = ?,
       digest = ? WHERE id = 1`,
    );
    this.#count = database.prepare(
      `INSERT INTO collections (name, records) VALUES (?, ?)
       ON CONFLICT (name) DO UPDATE SET records = records + excluded.records`,
    );
    this.incarnation = row.incarnation;
    this.#counters = {
      lastSeq: row.last_seq,
      lastVersion: row.last_version,
      acked: { seq: row.acked_seq, version: row.acked_version },
      ackedAtMs: row.acked_at,
      outbox: row.outbox,
      // Text that is no digest any more differs from every one, until it is counted anew: the records may be as they were.
      digest: DIGEST.test(row.digest) ? digestOf(row.digest) : 0n,
      startVersion: startVersion ?? row.last_version,
      collectionDeltas: NO_DELTAS,
    };
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

  /** File and relay held the same: what is written from then on has versions above all of it, and no other claim to be later. */
  agree(): void {
    this.#counters.startVersion = NO_VERSION_ABOVE;
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
    this.#save.run(lastSeq, lastVersion, acked.seq, acked.version, ackedAtMs, outbox, digestText(digest));
    for (const [name, delta] of collectionDeltas) this.#count.run(name, delta);
    this.#counters.collectionDeltas = NO_DELTAS;
    this.#isDirty = false;
  }
}
