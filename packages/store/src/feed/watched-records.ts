import type { Database, Statement } from '@holdfast/sqlite';

import type { StreamState } from '../stream-state.ts';
import type { Intake } from './intake.ts';

/** Changes read at once. */
const PAGE_RECORDS = 500;

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
}

/** Changes after a place, and the place they lead to. */
export interface WatchPage {
  readonly records: readonly WatchedRecord[];
  readonly place: WatchPlace;
  readonly more: boolean;
}

type WatchedColumns = Omit<WatchedRecord, 'deleted'> & { readonly seq: number; readonly deleted: number };

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
    this.#written = database.prepare(
      `SELECT ${COLUMNS} FROM records WHERE seq > ? AND ${SCOPE} ORDER BY seq LIMIT ${PAGE_RECORDS}`,
    );
    this.#taken = database.prepare(
      `SELECT ${COLUMNS} FROM records WHERE seq < ? AND ${SCOPE} ORDER BY seq DESC LIMIT ${PAGE_RECORDS}`,
    );
  }

  /** Where the file's records stand now. */
  get place(): WatchPlace {
    return { writtenSeq: this.#stream.counters.lastSeq, takenSeq: this.#intake.lowestSeq };
  }

  /** What changed after a place. */
  after({ writtenSeq, takenSeq }: WatchPlace, { resource, collection, prefix }: WatchScope): WatchPage {
    const now = this.place;
    const scope = [collection, resource, prefix.length, prefix];
    const written = this.#written.all(writtenSeq, ...scope) as WatchedColumns[];
    const taken = this.#taken.all(Math.min(takenSeq, 0), ...scope) as WatchedColumns[];
    const place = {
      writtenSeq: written.length === PAGE_RECORDS ? (written.at(-1)?.seq ?? writtenSeq) : now.writtenSeq,
      takenSeq: taken.length === PAGE_RECORDS ? (taken.at(-1)?.seq ?? takenSeq) : now.takenSeq,
    };
    const more = written.length === PAGE_RECORDS || taken.length === PAGE_RECORDS;
    return { records: [...taken, ...written].map(recordOf), place, more };
  }
}

function recordOf({ seq: _seq, deleted, ...record }: WatchedColumns): WatchedRecord {
  return { ...record, deleted: deleted === 1 };
}
