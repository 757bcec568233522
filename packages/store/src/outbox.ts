import { type Cursor, HoldfastError, limits, type Now, type Reject } from '@holdfast/protocol';
import type { Database, Statement } from '@holdfast/sqlite';

import { digestText } from './digest.ts';
import type { RecordWriter } from './record-writer.ts';
import { changeLine, isAsWritten, RECORD_COLUMNS, type RecordColumns } from './row.ts';
import { assertSealed, sealed, sealedColumns } from './seal.ts';
import type { StreamState } from './stream-state.ts';

/** Changes ready to be sent, as lines of the wire, in seq order. */
export interface OutboxBatch {
  readonly base: Cursor;
  readonly upto: Cursor;
  readonly lines: readonly string[];
  /** Of all records, once the relay has these; there only if nothing else waits (protocol rule 12). */
  readonly digest?: string;
}

/** How much a batch may hold; at least one change is always in it. */
export interface BatchBounds {
  readonly changes: number;
  readonly bytes: number;
}

/** Seqs that follow one another. */
interface Seqs {
  readonly first: number;
  readonly last: number;
}

/** Where one write put its records: at seqs that follow one another. */
export interface WrittenRange extends Seqs {
  /** Of the last of its records: other records may get these seqs when the file is brought together with the relay. */
  readonly version: string;
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

interface DeadLetterColumns extends Omit<NodeDeadLetter, 'id' | 'rejectedAtMs'> {
  readonly id: number;
  readonly rejected_at: number;
}

/**
 * The way up: the records above the acknowledged cursor (protocol rule 2), and what the relay said of them. Everything
 * that writes runs inside a transaction the caller holds.
 */
export class Outbox {
  readonly #stream: StreamState;
  readonly #writer: RecordWriter;
  readonly #now: Now;
  readonly #above: Statement;
  readonly #countBetween: Statement;
  readonly #oldest: Statement;
  readonly #addDeadLetter: Statement;
  readonly #deadLetters: Statement;
  readonly #deadLetterCount: Statement;
  readonly #hasDeadLetter: Statement;
  readonly #versionAt: Statement;
  readonly #dropDeadLetter: Statement;

  constructor(database: Database, stream: StreamState, writer: RecordWriter, now: Now) {
    this.#stream = stream;
    this.#writer = writer;
    this.#now = now;
    this.#above = database.prepare(`SELECT ${RECORD_COLUMNS} FROM records WHERE seq > ? ORDER BY seq LIMIT ?`);
    this.#countBetween = database.prepare('SELECT count(*) FROM records WHERE seq > ? AND seq <= ?').pluck();
    this.#oldest = database.prepare('SELECT updated_at FROM records WHERE seq > ? ORDER BY seq LIMIT 1').pluck();
    const letter = sealedColumns('dead_letters');
    this.#addDeadLetter = database.prepare(`INSERT INTO dead_letters (${letter}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#deadLetters = database.prepare(`SELECT id, ${letter} FROM dead_letters ORDER BY id`);
    this.#deadLetterCount = database.prepare('SELECT count(*) FROM dead_letters').pluck();
    this.#hasDeadLetter = database
      .prepare('SELECT EXISTS (SELECT 1 FROM dead_letters WHERE seq BETWEEN ? AND ?)')
      .pluck();
    this.#versionAt = database.prepare('SELECT version FROM records WHERE seq = ?').pluck();
    this.#dropDeadLetter = database.prepare(
      'DELETE FROM dead_letters WHERE id = ? RETURNING resource, collection, record',
    );
  }

  /** The next changes to send; undefined when the relay has everything. Needs no transaction. */
  next(bounds: BatchBounds): OutboxBatch | undefined {
    const { acked, outbox, digest } = this.#stream.counters;
    const batch = this.above(acked, bounds);
    return batch?.lines.length === outbox ? { ...batch, digest: digestText(digest) } : batch;
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
    const stored = this.#writer.at(seq);
    return stored && changeLine(stored);
  }

  /** When the oldest waiting change was made, in milliseconds; undefined when none waits. */
  oldestMs(): number | undefined {
    return this.#oldest.get(this.#stream.counters.acked.seq) as number | undefined;
  }

  /**
   * The relay holds the stream up to `cursor`, but for what it rejected. What is acknowledged already changes nothing.
   * Throws `file-damaged` when what it rejected had rotted here.
   */
  acknowledge(cursor: Cursor, rejects: readonly Reject[]): void {
    const { acked, outbox } = this.#stream.counters;
    if (cursor.seq < acked.seq) return;
    for (const reject of rejects) if (reject.seq > acked.seq) this.#keepReject(reject);
    const left = this.#countBetween.get(acked.seq, cursor.seq) as number;
    this.#stream.set({ acked: cursor, ackedAtMs: this.#now(), outbox: outbox - left });
  }

  /** What the relay refused, oldest first. Throws `file-damaged` when one is not what was written. */
  deadLetters(): NodeDeadLetter[] {
    return (this.#deadLetters.all() as DeadLetterColumns[]).map((row) => {
      assertSealed('dead_letters', row);
      const { id, seq, resource, collection, record, version, code, reason, rejected_at } = row;
      return { id: String(id), seq, resource, collection, record, version, code, reason, rejectedAtMs: rejected_at };
    });
  }

  /** How many dead letters there are. */
  deadLetterCount(): number {
    return this.#deadLetterCount.get() as number;
  }

  /** Whether the records of a write stand where it put them: none was written over or moved since. */
  stands({ first, last, version }: WrittenRange): boolean {
    return this.#versionAt.get(last) === version && this.#countBetween.get(first - 1, last) === last - first + 1;
  }

  /** Whether there is a dead letter of one of these seqs. */
  hasDeadLetter({ first, last }: Seqs): boolean {
    return this.#hasDeadLetter.get(first, last) === 1;
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
    if (stored !== undefined) this.#writer.sendAgain(stored);
    return true;
  }

  #keepReject(reject: Reject): void {
    const stored = this.#writer.at(reject.seq);
    if (stored === undefined) return;
    if (!isAsWritten(stored))
      throw new HoldfastError('file-damaged', 'a record the relay rejected is not what was written');
    this.#writer.note(stored, { rejected: 1, relay_hash: null });
    const { seq, resource, collection, id, version } = stored;
    const { code, reason } = reject;
    this.#addDeadLetter.run(...sealed([seq, resource, collection, id, version, code, reason, this.#now()]));
  }
}

/** What may be asked of an outbox without a transaction. */
export type OutboxReads = Pick<
  Outbox,
  'next' | 'above' | 'line' | 'oldestMs' | 'deadLetters' | 'hasDeadLetter' | 'stands'
>;

/** An outbox's reading side; `reading` guards each read. */
export function outboxReads(outbox: Outbox, reading: <Result>(read: () => Result) => Result): OutboxReads {
  return {
    next: (bounds) => reading(() => outbox.next(bounds)),
    above: (base, bounds) => reading(() => outbox.above(base, bounds)),
    line: (seq) => reading(() => outbox.line(seq)),
    oldestMs: () => reading(() => outbox.oldestMs()),
    deadLetters: () => reading(() => outbox.deadLetters()),
    stands: (seqs) => reading(() => outbox.stands(seqs)),
    hasDeadLetter: (seqs) => reading(() => outbox.hasDeadLetter(seqs)),
  };
}
