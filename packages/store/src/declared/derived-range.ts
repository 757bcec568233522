import type { Database } from '@holdfast/sqlite';

import { prepared } from '../query/prepared.ts';
import { ALL_KEYS, type KeySpan } from './portions.ts';

/** Changed records, bytes of their documents, and places at the end that members and words wait for at most. */
const MOST_RECORDS = 256;
const MOST_BYTES = 1_048_576;
const MOST_PLACES = 5000;

// Each end by itself: asked for both at once SQLite goes over all records.
const ENDS = `SELECT ifnull((SELECT min(seq) FROM records), 0) AS "from", ifnull((SELECT max(seq) FROM records), 0) AS "to"`;
const SAVE = `INSERT INTO derived (id, first, last) VALUES (1, ?, ?)
  ON CONFLICT (id) DO UPDATE SET first = excluded.first, last = excluded.last`;

/** The range, and what waits beyond it. */
interface Standing {
  readonly span: KeySpan;
  readonly waiting: Beyond;
}

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
  readonly #database: Database;
  /** Read when it is first asked for: most files keep neither, and are opened often. */
  #standing: Standing | undefined;
  /** Records that are still taken in at once. */
  #atOnce = 0;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Whether a record's members and words are kept. */
  holds(key: number): boolean {
    const { span } = this.#now;
    return key >= span.from && key <= span.to;
  }

  /** Whether there may be records beyond it that have members or words. */
  get isBehind(): boolean {
    return this.#now.waiting.records > 0;
  }

  /** Whether so much is beyond it that it is to be taken in. */
  get isDue(): boolean {
    const { span, waiting } = this.#now;
    const { records, bytes, last } = waiting;
    if (this.#atOnce > 0) return records > 0;
    return records >= MOST_RECORDS || bytes >= MOST_BYTES || last - span.to >= MOST_PLACES;
  }

  /** All keys beyond it. */
  get beyond(): readonly KeySpan[] {
    const { from, to } = this.#now.span;
    return [
      { from: to + 1, to: ALL_KEYS.to },
      { from: ALL_KEYS.from, to: from - 1 },
    ];
  }

  /** Notes what changed beyond it. */
  wait({ records, bytes, last }: Beyond): void {
    const { span, waiting } = this.#now;
    this.#atOnce -= Math.min(records, this.#atOnce);
    const more = {
      records: waiting.records + records,
      bytes: waiting.bytes + bytes,
      last: Math.max(waiting.last, last),
    };
    this.#standing = { span, waiting: more };
  }

  /** Somebody had to wait for what is beyond it: where records are asked for between writes, they are taken in at once for a while. */
  keepUp(): void {
    this.#atOnce = MOST_RECORDS;
  }

  /** Goes over all records there are now. Needs the transaction that made what is kept of them. */
  takeAll(): void {
    const { span } = this.#now;
    const all = endsOf(this.#database);
    const { from, to } = { from: Math.min(all.from, span.from), to: Math.max(all.to, span.to) };
    prepared(this.#database, SAVE).run(from, to);
    this.#standing = { span: { from, to }, waiting: nothing };
  }

  /** Remembers it; the function returned puts it back. */
  savepoint(): () => void {
    const standing = this.#standing;
    return () => {
      this.#standing = standing;
    };
  }

  get #now(): Standing {
    return (this.#standing ??= standingIn(this.#database));
  }
}

const nothing: Beyond = { records: 0, bytes: 0, last: 0 };

/** The range as it stands in a file; without one nothing is kept. */
export function rangeIn(database: Database): KeySpan {
  const row = database.prepare('SELECT first AS "from", last AS "to" FROM derived WHERE id = 1').get();
  return (row as KeySpan | undefined) ?? { from: 0, to: 0 };
}

// After a crash nobody knows how many wait.
function standingIn(database: Database): Standing {
  const span = rangeIn(database);
  const ends = endsOf(database);
  const isBehind = ends.from < span.from || ends.to > span.to;
  return { span, waiting: { ...nothing, records: isBehind ? 1 : 0 } };
}

function endsOf(database: Database): KeySpan {
  return prepared(database, ENDS).get() as KeySpan;
}
