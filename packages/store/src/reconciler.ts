import type { Change, Cursor, HybridClock, Now, StreamPage } from '@holdfast/protocol';
import type { Database, Statement } from '@holdfast/sqlite';

import { bucketOf, digestShare, storedShare } from './digest.ts';
import type { Lineage } from './lineage.ts';
import type { RecordWriter } from './record-writer.ts';
import {
  type ComparedRetired,
  isOfRecord,
  type RetiredRecord,
  type RetiredRecords,
} from './retention/retired-records.ts';
import { isAsWritten, recordHash, type RecordRow, rowOfChange, type StoredColumns } from './row.ts';
import { NO_SETTLEMENT, type Settlement } from './settlement.ts';
import type { StreamState } from './stream-state.ts';

/** Records compared in one read. */
const COMPARED_AT_ONCE = 1000;

/** A record as far as comparing needs it. */
export interface ComparedRecord {
  readonly seq: number;
  /** See `bucketOf`. */
  readonly bucket: number;
  /** What it adds to the digest; see `storedShare`. */
  readonly share: bigint;
  readonly hash: string;
  /** Whether the relay is to have it as it stands: it does not wait, was not rejected, has not expired. */
  readonly isHeld: boolean;
  /** Whether the relay rejected it, and is to have what its share is of: an older version, if any. */
  readonly isRejected: boolean;
}

type ComparedColumns = Pick<
  StoredColumns,
  'seq' | 'resource' | 'collection' | 'id' | 'hash' | 'expires_at' | 'rejected' | 'relay_hash'
>;

type CountedColumns = Pick<StoredColumns, 'seq' | 'hash' | 'expires_at' | 'rejected' | 'relay_hash'>;

/** What a reconciler needs beside the file. */
export interface ReconcilerOptions {
  readonly stream: StreamState;
  readonly writer: RecordWriter;
  readonly retired: RetiredRecords;
  readonly clock: HybridClock;
  readonly now: Now;
}

/** What there is to send again to a relay that was put back. */
export interface Rewound {
  /** Records that are sent again. */
  readonly records: number;
  /** Records that were removed here by retention after the relay had acknowledged them: there is nothing to send. */
  readonly gone: number;
}

/** What in a bucket the relay counts and does not hold, and nobody here has either. */
export interface Unaccounted {
  readonly bucket: number;
  /** What the two digests differ by. */
  readonly share: bigint;
  /** Of records removed here, those that the relay lost; empty: not known which. */
  readonly lost: readonly Pick<ComparedRetired, 'key'>[];
}

/** How records of the relay are taken. */
interface Settling {
  /** See `Reconciler.settle`. */
  readonly areCounted: boolean;
  /** What expired by then and is not here was swept here, and is not brought back. In milliseconds since 1970. */
  readonly expiredBeforeMs: number;
  readonly lineage: Lineage;
  /** Puts one in the place of ours, or in a new one. */
  readonly place: (row: RecordRow, stored: StoredColumns | undefined) => void;
}

/**
 * Brings a file and what the relay holds of it together again (protocol rules 6 and 12). Everything that writes runs
 * inside a transaction the caller holds, while no batch of the stream is under way.
 */
export class Reconciler {
  readonly #stream: StreamState;
  readonly #writer: RecordWriter;
  readonly #retired: RetiredRecords;
  readonly #clock: HybridClock;
  readonly #now: Now;
  readonly #countBetween: Statement;
  readonly #rejectedBetween: Statement;
  readonly #dropLetters: Statement;
  readonly #seqsAbove: Statement;
  readonly #renumber: Statement;
  readonly #compared: Statement;

  constructor(database: Database, { stream, writer, retired, clock, now }: ReconcilerOptions) {
    this.#stream = stream;
    this.#writer = writer;
    this.#retired = retired;
    this.#clock = clock;
    this.#now = now;
    this.#countBetween = database.prepare('SELECT count(*) FROM records WHERE seq > ? AND seq <= ?').pluck();
    this.#rejectedBetween = database.prepare(
      `SELECT seq, hash, expires_at, rejected, relay_hash FROM records WHERE rejected = 1 AND seq > ? AND seq <= ?`,
    );
    this.#dropLetters = database.prepare('DELETE FROM dead_letters WHERE seq = ?');
    this.#seqsAbove = database.prepare('SELECT seq FROM records WHERE seq > ? ORDER BY seq').pluck();
    this.#renumber = database.prepare('UPDATE records SET seq = ? WHERE seq = ?');
    this.#compared = database.prepare(
      `SELECT seq, resource, collection, id, hash, expires_at, rejected, relay_hash FROM records
       WHERE seq > ? ORDER BY seq LIMIT ${COMPARED_AT_ONCE}`,
    );
  }

  /**
   * The relay stands behind what it acknowledged: it was put back. Everything above its cursor is sent again, also what it
   * had rejected: it will say so again. What was removed here by retention cannot be sent, and counts no more.
   */
  rewind(cursor: Cursor): Rewound {
    const { acked, outbox } = this.#stream.counters;
    if (cursor.seq >= acked.seq) return { records: 0, gone: 0 };
    const records = this.#countBetween.get(cursor.seq, acked.seq) as number;
    for (const stored of this.#rejectedBetween.all(cursor.seq, acked.seq) as StoredColumns[]) this.#acquit(stored);
    this.#stream.set({ acked: cursor, outbox: outbox + records });
    return { records, gone: this.#retired.dropAbove(cursor.seq) };
  }

  /**
   * The relay stands ahead: an answer was lost, or this file was put back. Takes a page of what the relay holds above
   * our cursor where it is newer, after giving our own waiting records seqs above the relay's. What `lineage` calls the later
   * write gets a version above the relay's (protocol rule 6).
   */
  adopt(page: Omit<StreamPage, 'starts'>, lineage: Lineage): Settlement {
    this.#stream.set({ lastSeq: Math.max(this.#stream.counters.lastSeq, page.cursor.seq) });
    this.#moveWaitingAbove(page.cursor.seq);
    const settlement = this.#settleAll(page.changes, {
      lineage,
      areCounted: false,
      expiredBeforeMs: 0,
      place: (row, stored) => this.#placeAdopted(row, stored, page.cursor.seq),
    });
    const last = page.changes.at(-1);
    const isPart = page.more && last !== undefined && last.seq < page.cursor.seq;
    const acked = isPart ? { seq: last.seq, version: last.version } : page.cursor;
    if (acked.seq >= this.#stream.counters.acked.seq) this.#stream.set({ acked });
    return settlement;
  }

  /**
   * Settles records of a copy of what the relay holds, by content. What has expired is not brought back. `areCounted`:
   * whether the relay counts each of them in its digest. A whole copy has others too: older versions of what it rejected.
   */
  settle(changes: readonly Change[], areCounted: boolean, lineage: Lineage): Settlement {
    return this.#settleAll(changes, {
      lineage,
      areCounted,
      expiredBeforeMs: this.#now(),
      place: (row, stored) => this.#placeAbove(row, stored),
    });
  }

  /** Sends once more what stands at these seqs, unless it changed, waits or was rejected. Returns how many do. */
  resend(seqs: readonly number[]): number {
    let resent = 0;
    for (const seq of seqs) {
      const stored = this.#writer.at(seq);
      if (stored === undefined || this.#isWaiting(stored) || stored.rejected === 1) continue;
      this.#writer.sendAgain(stored);
      resent += 1;
    }
    return resent;
  }

  /** The next records above a seq, to be compared; none: that was all. Needs no transaction. */
  compared(afterSeq: number): ComparedRecord[] {
    const ackedSeq = this.#stream.counters.acked.seq;
    const nowMs = this.#now();
    return (this.#compared.all(afterSeq) as ComparedColumns[]).map((columns) => {
      const { seq, hash, expires_at, rejected } = columns;
      const isHeld = seq <= ackedSeq && rejected === 0 && (expires_at === null || expires_at > nowMs);
      const isRejected = rejected === 1;
      return { seq, bucket: bucketOf(columns), share: storedShare(columns), hash, isHeld, isRejected };
    });
  }

  /** The next of the records that retention removed, by key, to be compared; none: that was all. Needs no transaction. */
  comparedRetired(afterKey: Buffer): ComparedRetired[] {
    return this.#retired.page(afterKey);
  }

  /**
   * Counts a bucket as the relay does, where nothing can be sent or taken over to make the two the same: records that were removed
   * here and that the relay lost, or that it removed and nobody here knows.
   */
  accept({ bucket, share, lost }: Unaccounted): Settlement {
    if (lost.length === 0) this.#retired.countUnknown(bucket, share);
    for (const { key } of lost) this.#retired.drop(key);
    const gone = lost.filter(({ key }) => isOfRecord(key)).length;
    return { ...NO_SETTLEMENT, gone, unknown: gone === lost.length && gone > 0 ? 0 : 1 };
  }

  #moveWaitingAbove(seq: number): void {
    const { acked } = this.#stream.counters;
    const waiting = this.#seqsAbove.all(acked.seq) as number[];
    if (waiting[0] === undefined || waiting[0] > seq) return;
    for (const old of waiting) {
      const moved = this.#stream.nextSeq();
      this.#renumber.run(moved, old);
    }
  }

  #settleAll(changes: readonly Change[], how: Settling): Settlement {
    const counts = { ...NO_SETTLEMENT };
    for (const change of changes) {
      const result = this.#settleOne(rowOfChange(change), how);
      if (result !== undefined) counts[result] += 1;
    }
    return counts;
  }

  #settleOne(row: RecordRow, { lineage, place, areCounted, expiredBeforeMs }: Settling): keyof Settlement | undefined {
    const stored = this.#writer.find(row.resource, row.collection, row.id);
    if (recordHash(row) !== row.hash) return this.#replaceBroken(row, stored);
    this.#observe(row.version);
    if (stored === undefined) {
      const retired = this.#retired.find(row);
      if (retired !== undefined && row.version <= retired.version) return this.#keepRetired(row, retired);
      if (row.expiresAtMs !== null && row.expiresAtMs <= expiredBeforeMs) return undefined;
      place(row, undefined);
      return 'taken';
    }
    if (stored.hash === row.hash) {
      if (stored.rejected === 0) return undefined;
      this.#acquit(stored);
      return 'accepted';
    }
    if (row.version < stored.version) return this.#keepOurs(row, stored, areCounted);
    const isLater = row.version === stored.version || lineage.isLater(stored.version, row.version);
    if (isLater && isAsWritten(stored)) return this.#renew(stored);
    place(row, stored);
    return 'taken';
  }

  // What retention removed stays removed; that the relay holds less than it had acknowledged is said.
  #keepRetired(row: RecordRow, retired: RetiredRecord): 'gone' | undefined {
    if (row.version === retired.version && digestShare(row) === retired.share) return undefined;
    this.#retired.replace(row, retired);
    return 'gone';
  }

  #keepOurs(row: RecordRow, stored: StoredColumns, isCounted: boolean): 'resent' | undefined {
    if (stored.rejected === 1) {
      if (isCounted && row.expiresAtMs === null) this.#writer.note(stored, { rejected: 1, relay_hash: row.hash });
      return undefined;
    }
    if (this.#isWaiting(stored)) return undefined;
    this.#writer.sendAgain(stored);
    return 'resent';
  }

  // What the relay holds was damaged there. Ours takes its place, if we are to have what it held.
  #replaceBroken(row: RecordRow, stored: StoredColumns | undefined): 'renewed' | 'broken' {
    const isOurs = stored !== undefined && stored.version >= row.version && stored.rejected === 0;
    return isOurs && isAsWritten(stored) ? this.#renew(stored) : 'broken';
  }

  #renew(stored: StoredColumns): 'renewed' {
    if (stored.rejected === 1) this.#acquit(stored);
    const renewed = this.#writer.renew(stored.rejected === 1 ? { ...stored, rejected: 0, relay_hash: null } : stored);
    if (!this.#isWaiting(stored)) this.#writer.sendAgain(renewed);
    return 'renewed';
  }

  #acquit(stored: CountedColumns): void {
    this.#writer.note(stored, { rejected: 0, relay_hash: null });
    this.#dropLetters.run(stored.seq);
  }

  #placeAdopted(row: RecordRow, stored: StoredColumns | undefined, cursorSeq: number): void {
    if (row.seq > this.#stream.counters.acked.seq && row.seq <= cursorSeq) {
      // Counted against the cursor as it will stand after this change: what the relay gave does not wait for it.
      this.#stream.set({ acked: { seq: row.seq, version: row.version } });
      this.#writer.place(row, stored);
    } else {
      this.#placeAbove(row, stored);
    }
  }

  // It came by the fast lane or another stream: its seq may be another record's here, so it gets one of its own.
  #placeAbove(row: RecordRow, stored: StoredColumns | undefined): void {
    this.#writer.place({ ...row, seq: this.#stream.nextSeq() }, stored);
  }

  #observe(version: string): void {
    this.#clock.observe(version);
    if (version > this.#stream.counters.lastVersion) this.#stream.set({ lastVersion: version });
  }

  #isWaiting(stored: StoredColumns): boolean {
    return stored.seq > this.#stream.counters.acked.seq;
  }
}
