import {
  type Change,
  type Cursor,
  type HybridClock,
  limits,
  type Now,
  type Reject,
  type StreamPage,
} from '@holdfast/protocol';
import type { Database, Statement } from '@holdfast/sqlite';

import type { RecordWriter } from './record-writer.ts';
import { changeLine, RECORD_COLUMNS, type RecordColumns, rowOfChange } from './row.ts';
import type { StreamState } from './stream-state.ts';

/** Changes ready to be sent, as lines of the wire, in seq order. */
export interface OutboxBatch {
  readonly base: Cursor;
  readonly upto: Cursor;
  readonly lines: readonly string[];
}

/** How much a batch may hold; at least one change is always in it. */
export interface BatchBounds {
  readonly changes: number;
  readonly bytes: number;
}

/** A change of this stream that the relay would not take. */
export interface NodeDeadLetter {
  readonly id: string;
  readonly seq: number;
  readonly resource: string;
  readonly collection: string;
  readonly record: string;
  readonly version: string;
  readonly code: string;
  readonly reason: string;
  readonly rejectedAtMs: number;
}

/**
 * The way up: the records above the acknowledged cursor (protocol rule 2), and what the relay said of them. Everything
 * that writes runs inside a transaction the caller holds.
 */
export class Outbox {
  readonly #stream: StreamState;
  readonly #writer: RecordWriter;
  readonly #clock: HybridClock;
  readonly #now: Now;
  readonly #above: Statement;
  readonly #one: Statement;
  readonly #countBetween: Statement;
  readonly #oldest: Statement;
  readonly #seqsAbove: Statement;
  readonly #renumber: Statement;
  readonly #addDeadLetter: Statement;
  readonly #deadLetters: Statement;
  readonly #deadLetterCount: Statement;
  readonly #dropDeadLetter: Statement;

  constructor(database: Database, stream: StreamState, writer: RecordWriter, time: { clock: HybridClock; now: Now }) {
    this.#stream = stream;
    this.#writer = writer;
    this.#clock = time.clock;
    this.#now = time.now;
    this.#above = database.prepare(`SELECT ${RECORD_COLUMNS} FROM records WHERE seq > ? ORDER BY seq LIMIT ?`);
    this.#one = database.prepare(`SELECT ${RECORD_COLUMNS} FROM records WHERE seq = ?`);
    this.#countBetween = database.prepare('SELECT count(*) FROM records WHERE seq > ? AND seq <= ?').pluck();
    this.#oldest = database.prepare('SELECT updated_at FROM records WHERE seq > ? ORDER BY seq LIMIT 1').pluck();
    this.#seqsAbove = database.prepare('SELECT seq FROM records WHERE seq > ? ORDER BY seq').pluck();
    this.#renumber = database.prepare('UPDATE records SET seq = ? WHERE seq = ?');
    this.#addDeadLetter = database.prepare(
      `INSERT INTO dead_letters (seq, resource, collection, record, version, code, reason, rejected_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#deadLetters = database.prepare(
      `SELECT id, seq, resource, collection, record, version, code, reason, rejected_at AS rejectedAtMs
       FROM dead_letters ORDER BY id`,
    );
    this.#deadLetterCount = database.prepare('SELECT count(*) FROM dead_letters').pluck();
    this.#dropDeadLetter = database.prepare(
      'DELETE FROM dead_letters WHERE id = ? RETURNING resource, collection, record',
    );
  }

  /** The next changes to send; undefined when the relay has everything. Needs no transaction. */
  next(bounds: BatchBounds): OutboxBatch | undefined {
    return this.above(this.#stream.counters.acked, bounds);
  }

  /** The changes after any cursor, so that one batch can be read while the one before it is on its way. */
  above(base: Cursor, bounds: BatchBounds): OutboxBatch | undefined {
    const lines: string[] = [];
    let upto = base;
    let bytes = 0;
    const limit = Math.min(bounds.changes, limits.syncBatchChanges);
    // Row by row: a thousand records may be a gigabyte, of which the batch takes the first few.
    for (const row of this.#above.iterate(base.seq, limit) as IterableIterator<RecordColumns>) {
      const line = changeLine(row);
      bytes += Buffer.byteLength(line);
      if (lines.length > 0 && bytes > bounds.bytes) break;
      lines.push(line);
      upto = { seq: row.seq, version: row.version };
    }
    return lines.length === 0 ? undefined : { base, upto, lines };
  }

  /** One change as a line of the wire; undefined when its record has changed again since. */
  line(seq: number): string | undefined {
    const row = this.#one.get(seq) as RecordColumns | undefined;
    return row && changeLine(row);
  }

  /** When the oldest waiting change was made, in milliseconds; undefined when none waits. */
  oldestMs(): number | undefined {
    return this.#oldest.get(this.#stream.counters.acked.seq) as number | undefined;
  }

  /** The relay holds the stream up to `cursor`, but for what it rejected. What is acknowledged already changes nothing. */
  acknowledge(cursor: Cursor, rejects: readonly Reject[]): void {
    const { acked, outbox } = this.#stream.counters;
    if (cursor.seq < acked.seq) return;
    for (const reject of rejects) if (reject.seq > acked.seq) this.#keepReject(reject);
    const left = this.#countBetween.get(acked.seq, cursor.seq) as number;
    this.#stream.set({ acked: cursor, ackedAtMs: this.#now(), outbox: outbox - left });
  }

  /** The relay stands behind what it acknowledged: it was put back. Everything above its cursor is sent again. */
  rewind(cursor: Cursor): void {
    const { acked, outbox } = this.#stream.counters;
    if (cursor.seq >= acked.seq) return;
    const again = this.#countBetween.get(cursor.seq, acked.seq) as number;
    this.#stream.set({ acked: cursor, outbox: outbox + again });
  }

  /**
   * The relay stands ahead: an answer was lost, or this file was put back. Takes a page of what the relay holds above
   * our cursor where it is newer, after giving our own waiting records seqs above the relay's. What was written here since
   * this daemon start is the later write: it gets a version above the relay's (protocol rule 6).
   */
  adopt(page: StreamPage): void {
    this.#stream.set({ lastSeq: Math.max(this.#stream.counters.lastSeq, page.cursor.seq) });
    this.#moveWaitingAbove(page.cursor.seq);
    for (const change of page.changes) this.#merge(change, page.cursor.seq);
    const last = page.changes.at(-1);
    const isPart = page.more && last !== undefined && last.seq < page.cursor.seq;
    const acked = isPart ? { seq: last.seq, version: last.version } : page.cursor;
    if (acked.seq >= this.#stream.counters.acked.seq) this.#stream.set({ acked });
  }

  /** What the relay refused, oldest first. */
  deadLetters(): NodeDeadLetter[] {
    const rows = this.#deadLetters.all() as (Omit<NodeDeadLetter, 'id'> & { id: number })[];
    return rows.map((row) => ({ ...row, id: String(row.id) }));
  }

  /** How many dead letters there are. */
  deadLetterCount(): number {
    return this.#deadLetterCount.get() as number;
  }

  /** Forgets a dead letter. Returns whether there was one. */
  drop(id: string): boolean {
    return this.#dropDeadLetter.get(Number(id)) !== undefined;
  }

  /** Forgets a dead letter and gives its record a new seq, so that it is sent once more as it stands now. */
  retry(id: string): boolean {
    const letter = this.#dropDeadLetter.get(Number(id)) as
      | { resource: string; collection: string; record: string }
      | undefined;
    if (letter === undefined) return false;
    const stored = this.#writer.find(letter.resource, letter.collection, letter.record);
    if (stored !== undefined) this.#move(stored.seq);
    return true;
  }

  #moveWaitingAbove(seq: number): void {
    const { acked, bootSeq } = this.#stream.counters;
    const waiting = this.#seqsAbove.all(acked.seq) as number[];
    if (waiting[0] === undefined || waiting[0] > seq) return;
    this.#stream.set({ bootSeq: this.#stream.counters.lastSeq });
    for (const old of waiting) {
      const moved = this.#stream.nextSeq();
      this.#renumber.run(moved, old);
      if (old <= bootSeq) this.#stream.set({ bootSeq: moved });
    }
  }

  #move(seq: number): void {
    const { acked, outbox } = this.#stream.counters;
    this.#renumber.run(this.#stream.nextSeq(), seq);
    if (seq <= acked.seq) this.#stream.set({ outbox: outbox + 1 });
  }

  #merge(change: Change, cursorSeq: number): void {
    this.#clock.observe(change.version);
    const { lastVersion, acked } = this.#stream.counters;
    if (change.version > lastVersion) this.#stream.set({ lastVersion: change.version });
    const stored = this.#writer.find(change.resource, change.collection, change.id);
    if (stored !== undefined && this.#isWrittenAfter(stored, change)) {
      this.#writer.renew(stored);
      return;
    }
    if (stored !== undefined && stored.version >= change.version) return;
    const row = rowOfChange(change);
    if (change.seq > acked.seq && change.seq <= cursorSeq) {
      // Counted against the cursor as it will stand after this change: what the relay gave does not wait for it.
      this.#stream.set({ acked: { seq: row.seq, version: row.version } });
      this.#writer.place(row, stored);
    } else {
      // It came by the fast lane, ahead of the cursor: its seq may be another record's here, so it gets one of its own.
      this.#writer.place({ ...row, seq: this.#stream.nextSeq() }, stored);
    }
  }

  /**
   * Whether a waiting record is the later write, though its version is not the higher one: it was written in this start
   * of the daemon, under a clock behind the one of what the relay holds; or the clock gave one version twice.
   */
  #isWrittenAfter(stored: RecordColumns, change: Change): boolean {
    const { acked, bootSeq } = this.#stream.counters;
    if (stored.seq <= acked.seq || stored.hash === change.hash || stored.version > change.version) return false;
    return stored.seq > bootSeq || stored.version === change.version;
  }

  #keepReject(reject: Reject): void {
    const row = this.#one.get(reject.seq) as RecordColumns | undefined;
    if (row === undefined) return;
    const { seq, resource, collection, id, version } = row;
    this.#addDeadLetter.run(seq, resource, collection, id, version, reject.code, reject.reason, this.#now());
  }
}
