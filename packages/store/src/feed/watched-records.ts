import type { Database, Statement } from '@holdfast/sqlite';

import type { StreamState } from '../stream-state.ts';
import type { Intake } from './intake.ts';

/** Changes read at once, of each side. */
const PAGE_RECORDS = 500;
/** A page's side ends with the record that brings its documents to so many characters: it waits in memory until it is taken. */
const PAGE_CHARS = 1024 * 1024;

/** A place in the order in which a file's records changed: what agents here wrote, and what came by the feed. */
export interface WatchPlace {
  readonly writtenSeq: number;
  /** 0 or below, counted downwards. */
  readonly takenSeq: number;
}

/** Which records are watched: of one collection and resource, those whose id begins with `prefix`. */
export interface WatchScope {
  readonly resource: string;
  readonly collection: string;
  readonly prefix: string;
}

/** A record as it is now. */
export interface WatchedRecord {
  readonly id: string;
  readonly version: string;
  readonly updatedAtMs: number;
  readonly expiresAtMs: number | null;
  readonly deleted: boolean;
  /** Null: it is deleted. */
  readonly text: string | null;
  /** From where a watch goes on after it and all before it. */
  readonly place: WatchPlace;
}

/** Changes after a place, and the place they lead to. */
export interface WatchPage {
  readonly records: readonly WatchedRecord[];
  readonly place: WatchPlace;
  readonly more: boolean;
}

type WatchedColumns = Omit<WatchedRecord, 'deleted' | 'place'> & { readonly seq: number; readonly deleted: number };

/** What changed on one side of the file, in order, and the seq it leads to. */
interface Side {
  readonly rows: readonly WatchedColumns[];
  readonly seq: number;
  readonly more: boolean;
}

const COLUMNS = 'seq, id, version, doc AS text, updated_at AS updatedAtMs, expires_at AS expiresAtMs, deleted';
const SCOPE = 'collection = ? AND resource = ? AND substr(id, 1, ?) = ?';

/** Reads what changed in a file since a place: each record once, as it is now, tombstones too. */
export class WatchedRecords {
  readonly #written: Statement;
  readonly #taken: Statement;
  readonly #stream: StreamState;
  readonly #intake: Intake;

  constructor(database: Database, stream: StreamState, intake: Intake) {
    this.#stream = stream;
    this.#intake = intake;
    this.#written = database.prepare(`SELECT ${COLUMNS} FROM records WHERE seq > ? AND ${SCOPE} ORDER BY seq`);
    this.#taken = database.prepare(`SELECT ${COLUMNS} FROM records WHERE seq < ? AND ${SCOPE} ORDER BY seq DESC`);
  }

  /** Where the file's records stand now. */
  get place(): WatchPlace {
    return { writtenSeq: this.#stream.counters.lastSeq, takenSeq: this.#intake.standing.lowestSeq };
  }

  /** What changed after a place. */
  after(place: WatchPlace, { resource, collection, prefix }: WatchScope): WatchPage {
    const now = this.place;
    // SQLite counts characters, not UTF-16 code units.
    const scope = [collection, resource, Array.from(prefix).length, prefix];
    const taken = sideOf(this.#taken, [Math.min(place.takenSeq, 0), ...scope], now.takenSeq);
    const written = sideOf(this.#written, [place.writtenSeq, ...scope], now.writtenSeq);
    const through = { writtenSeq: written.seq, takenSeq: taken.seq };
    const records = [
      ...taken.rows.map((row) => recordOf(row, { ...place, takenSeq: row.seq })),
      ...written.rows.map((row) => recordOf(row, { ...through, writtenSeq: row.seq })),
    ];
    return { records, place: through, more: taken.more || written.more };
  }
}

function sideOf(statement: Statement, params: readonly (string | number)[], end: number): Side {
  const rows: WatchedColumns[] = [];
  let chars = 0;
  for (const row of statement.iterate(...params) as IterableIterator<WatchedColumns>) {
    rows.push(row);
    chars += row.text?.length ?? 0;
    if (rows.length === PAGE_RECORDS || chars >= PAGE_CHARS) return { rows, seq: row.seq, more: true };
  }
  return { rows, seq: end, more: false };
}

function recordOf({ seq: _seq, deleted, ...record }: WatchedColumns, place: WatchPlace): WatchedRecord {
  return { ...record, deleted: deleted === 1, place };
}
