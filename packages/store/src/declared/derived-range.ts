import type { Database, Statement } from '@holdfast/sqlite';

import { ALL_KEYS, type KeySpan } from './portions.ts';

/** Changed records, bytes of their documents, and places at the end that members and words wait for at most. */
const MOST_RECORDS = 256;
const MOST_BYTES = 1_048_576;
const MOST_PLACES = 5000;

/** What changed beyond the range. */
export interface Beyond {
  readonly records: number;
  readonly bytes: number;
  /** The highest key among them. */
  readonly last: number;
}

/**
 * The records of an agent's file of which members and words are kept, by their keys. Those that are written go beyond it, and are
 * taken into it many at a time: that costs much less than each with its transaction. It stands in the file, and so no crash makes anybody forget
 * what is to be done. In memory it moves and moves back with the transaction.
 */
export class DerivedRange {
  readonly #ends: Statement;
  readonly #save: Statement;
  #span: KeySpan;
  #waiting: Beyond = nothing;
  /** Records that are still taken in at once. */
  #atOnce = 0;

  constructor(database: Database) {
    this.#ends = database.prepare('SELECT ifnull(min(seq), 0) AS "from", ifnull(max(seq), 0) AS "to" FROM records');
    this.#save = database.prepare(
      'INSERT INTO derived (id, first, last) VALUES (1, ?, ?) ON CONFLICT (id) DO UPDATE SET first = excluded.first, last = excluded.last',
    );
    this.#span = rangeIn(database);
    // After a crash nobody knows how many.
    const { from, to } = this.#ends.get() as KeySpan;
    if (from < this.#span.from || to > this.#span.to) this.#waiting = { ...nothing, records: 1 };
  }

  /** Whether a record's members and words are kept. */
  holds(key: number): boolean {
    return key >= this.#span.from && key <= this.#span.to;
  }

  /** Whether there may be records beyond it that have members or words. */
  get isBehind(): boolean {
    return this.#waiting.records > 0;
  }

  /** Whether so much is beyond it that it is to be taken in. */
  get isDue(): boolean {
    const { records, bytes, last } = this.#waiting;
    if (this.#atOnce > 0) return records > 0;
    return records >= MOST_RECORDS || bytes >= MOST_BYTES || last - this.#span.to >= MOST_PLACES;
  }

  /** All keys beyond it. */
  get beyond(): readonly KeySpan[] {
    const { from, to } = this.#span;
    return [
      { from: to + 1, to: ALL_KEYS.to },
      { from: ALL_KEYS.from, to: from - 1 },
    ];
  }

  /** Notes what changed beyond it. */
  wait({ records, bytes, last }: Beyond): void {
    const waiting = this.#waiting;
    this.#atOnce -= Math.min(records, this.#atOnce);
    this.#waiting = {
      records: waiting.records + records,
      bytes: waiting.bytes + bytes,
      last: Math.max(waiting.last, last),
    };
  }

  /** Somebody had to wait for what is beyond it: where records are asked for between writes, they are taken in at once for a while. */
  keepUp(): void {
    this.#atOnce = MOST_RECORDS;
  }

  /** Goes over all records there are now. Needs the transaction that made what is kept of them. */
  takeAll(): void {
    const { from, to } = this.#ends.get() as KeySpan;
    this.#span = { from: Math.min(from, this.#span.from), to: Math.max(to, this.#span.to) };
    this.#waiting = nothing;
    this.#save.run(this.#span.from, this.#span.to);
  }

  /** Remembers it; the function returned puts it back. */
  savepoint(): () => void {
    const [span, waiting] = [this.#span, this.#waiting];
    return () => {
      this.#span = span;
      this.#waiting = waiting;
    };
  }
}

const nothing: Beyond = { records: 0, bytes: 0, last: 0 };

/** The range as it stands in a file; without one nothing is kept. */
export function rangeIn(database: Database): KeySpan {
  const row = database.prepare('SELECT first AS "from", last AS "to" FROM derived WHERE id = 1').get();
  return (row as KeySpan | undefined) ?? { from: 0, to: 0 };
}
