import { collectionName, recordId, resourceName, VERSION_PATTERN } from '@holdfast/protocol';
import { type Database, isSqliteError, type Statement } from '@holdfast/sqlite';

import { hasColumn } from '../has-column.ts';
import { RECORD_COLUMNS, type RecordColumns, recordHash, type RecordRow, rowOfColumns } from '../row.ts';
import { isSealed, sealedColumns } from '../seal.ts';

/** A record's key and where its latest change stands. */
export interface RecordPlace {
  readonly resource: string;
  readonly collection: string;
  readonly id: string;
  readonly seq: number;
}

/** What reading a damaged file gives, piece by piece. */
export type Salvaged =
  | { readonly kind: 'record'; readonly row: RecordRow }
  /**
   * Its key can be read and it cannot, yet: it may come later after all. `version` is what stands there, if it makes
   * sense; `isAcked`: the relay had taken it.
   */
  | { readonly kind: 'lost'; readonly place: RecordPlace; readonly version: string | null; readonly isAcked: boolean }
  /** `isComplete`: every record up to `lastSeq` has been given as one or the other, or was known. */
  | { readonly kind: 'end'; readonly isComplete: boolean; readonly lastSeq: number }
  /** Instead of all else: it is the file of another stream, and so perhaps another agent's. */
  | { readonly kind: 'foreign' };

/** The end of reading a file of which nothing can be read any more. */
export const NOTHING_READ: Salvaged = Object.freeze({ kind: 'end', isComplete: false, lastSeq: 0 });

/** Index entries in one read. */
const PAGE_ENTRIES = 256;

/** Rows in one read, each as large as a record may be: all of them must fit into the memory of the process that reads. */
const PAGE_ROWS = 32;

/** Below so many seqs a part of the table that cannot be read is tried one by one. */
const SMALL_RANGE = 64;

/** A page whose place among the others cannot be known any more holds this many single seqs up at most. */
const MAX_SINGLES = 1_000_000;

/**
 * Reads what can be read of a damaged file: every record whose content gives its hash, unless `known` says that the
 * same or a newer version is there already.
 *
 * The keys come from their index, which stands on other pages than the records: a record that cannot be read is known by
 * name. Where the index itself is damaged the records are read in ranges around what cannot be.
 *
 * `incarnation`: the stream the file must hold, as far as it can tell; null: any.
 */
export function* salvage(
  database: Database,
  known: (place: Omit<RecordPlace, 'seq'>) => string | undefined,
  incarnation: string | null,
): Generator<Salvaged> {
  const reader = new FileReader(database, known);
  if (incarnation !== null && reader.incarnation !== undefined && reader.incarnation !== incarnation) {
    yield { kind: 'foreign' };
    return;
  }
  const isIndexWhole = yield* reader.byIndex();
  const isTableWhole = isIndexWhole || (yield* reader.byRanges());
  yield { kind: 'end', isComplete: isTableWhole && !reader.hasNameless, lastSeq: reader.lastSeq };
}

/** Which stream it is, how far it had come, and how much of it the relay had. */
interface StreamEnd {
  readonly incarnation: string;
  readonly lastSeq: number;
  readonly ackedSeq: number;
}

interface StreamColumns {
  readonly incarnation: string;
  readonly last_seq: number;
  readonly acked_seq: number;
}

class FileReader {
  readonly #known: (place: Omit<RecordPlace, 'seq'>) => string | undefined;
  readonly #forward: Statement;
  readonly #backward: Statement;
  readonly #version: Statement;
  readonly #row: Statement;
  readonly #range: Statement;
  readonly #count: Statement;
  readonly #isRejected: Statement | undefined;
  #hasNameless = false;
  #isIndexWrong = false;
  readonly #stream: StreamEnd | undefined;

  constructor(database: Database, known: (place: Omit<RecordPlace, 'seq'>) => string | undefined) {
    this.#known = known;
    const entries = 'SELECT resource, collection, id, seq FROM records INDEXED BY records_key';
    const key = '(collection, resource, id)';
    this.#forward = database.prepare(
      `${entries} WHERE ${key} > (?, ?, ?) ORDER BY collection, resource, id LIMIT ${PAGE_ENTRIES}`,
    );
    this.#backward = database.prepare(
      `${entries} WHERE ${key} < (?, ?, ?) ORDER BY collection DESC, resource DESC, id DESC LIMIT 1`,
    );
    this.#version = database.prepare('SELECT version FROM records WHERE seq = ?').pluck();
    this.#row = database.prepare(`SELECT ${RECORD_COLUMNS} FROM records WHERE seq = ?`);
    this.#range = database.prepare(
      `SELECT ${RECORD_COLUMNS} FROM records WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ${PAGE_ROWS}`,
    );
    this.#count = database.prepare('SELECT count(*) FROM records NOT INDEXED').pluck();
    // Files of schema 1 do not know what the relay rejected.
    this.#isRejected = readOr(undefined, () =>
      database
        .prepare('SELECT EXISTS (SELECT 1 FROM records INDEXED BY records_rejected WHERE rejected = 1 AND seq = ?)')
        .pluck(),
    );
    this.#stream = readOr(undefined, () => streamOf(database));
  }

  /** Whether there was a record of which not even the key could be read. */
  get hasNameless(): boolean {
    return this.#hasNameless;
  }

  /** The stream; undefined when that cannot be read. */
  get incarnation(): string | undefined {
    return this.#stream?.incarnation;
  }

  /** How far the stream had come; 0 when that cannot be read. */
  get lastSeq(): number {
    return this.#stream?.lastSeq ?? 0;
  }

  /**
   * Goes through the keys from both ends; returns whether all of them could be read. SQLite does not notice all that a
   * flipped bit can do: an index with fewer entries than the table has rows has lost some, and one that leads to another
   * record than it says leads nowhere to some.
   */
  *byIndex(): Generator<Salvaged, boolean> {
    let last: RecordPlace | undefined;
    let entries = 0;
    for (;;) {
      const { collection, resource, id } = last ?? FIRST_KEY;
      const places = readOr(undefined, () => this.#forward.all(collection, resource, id) as RecordPlace[]);
      if (places === undefined) break;
      if (places.length === 0) return !this.#isIndexWrong && entries >= this.#rowCount();
      for (const place of places) yield* this.#at(place);
      entries += places.length;
      last = places.at(-1);
    }
    yield* this.#byIndexBackward(last);
    return false;
  }

  // The page after `last` cannot be read whole: its keys one by one from there, then from the end as far as it goes.
  *#byIndexBackward(last: RecordPlace | undefined): Generator<Salvaged> {
    let before: Omit<RecordPlace, 'seq'> = LAST_KEY;
    for (;;) {
      const { collection, resource, id } = before;
      const place = readOr(undefined, () => this.#backward.get(collection, resource, id) as RecordPlace | undefined);
      if (place === undefined || (last !== undefined && isSameKey(place, last))) return;
      yield* this.#at(place);
      before = place;
    }
  }

  /** Reads the records in the order of their seqs; returns whether all of them could be read. */
  *byRanges(): Generator<Salvaged, boolean> {
    const budget = { singles: MAX_SINGLES };
    let isWhole = this.#stream !== undefined;
    const open: [after: number, upto: number][] = [[0, this.#stream?.lastSeq ?? Number.MAX_SAFE_INTEGER]];
    for (let range = open.pop(); range !== undefined; range = open.pop()) {
      const [after, upto] = range;
      const rows = readOr(undefined, () => this.#range.all(after, upto) as RecordColumns[]);
      if (rows === undefined) {
        isWhole = false;
        open.push(...this.#smaller(after, upto, budget));
        continue;
      }
      for (const row of rows) yield* this.#whole(row, row);
      const last = rows.at(-1);
      if (rows.length === PAGE_ROWS && last !== undefined) open.push([last.seq, upto]);
    }
    return isWhole;
  }

  #smaller(after: number, upto: number, budget: { singles: number }): [number, number][] {
    const width = upto - after;
    if (width <= 1) return [];
    if (width > SMALL_RANGE) {
      const middle = after + Math.floor(width / 2);
      return [
        [middle, upto],
        [after, middle],
      ];
    }
    budget.singles -= width;
    if (budget.singles < 0) return [];
    return Array.from({ length: width }, (_, index): [number, number] => [upto - index - 1, upto - index]);
  }

  *#at(place: RecordPlace): Generator<Salvaged> {
    const isAcked = this.#isAcked(place);
    const version = readOr(undefined, () => this.#version.get(place.seq) as string | undefined);
    const known = this.#known(place);
    if (version !== undefined && isAcked && known !== undefined && known >= version) return;
    const read = (): RecordColumns | null => (this.#row.get(place.seq) as RecordColumns | undefined) ?? null;
    const row = readOr(undefined, read);
    if (row === null || (row !== undefined && isAnother(row, place))) this.#isIndexWrong = true;
    if (row === undefined || row === null || isAnother(row, place)) yield* this.#lost(place, null);
    else yield* this.#whole(row, place);
  }

  *#whole(columns: RecordColumns, place: RecordPlace): Generator<Salvaged> {
    const row = rowOfColumns(asTexts(columns));
    const known = this.#known(place);
    if (recordHash(row) === row.hash) {
      if (known === undefined || known < row.version) yield { kind: 'record', row };
    } else {
      yield* this.#lost(place, VERSION_PATTERN.test(row.version) ? row.version : null);
    }
  }

  *#lost({ resource, collection, id, seq }: RecordPlace, version: string | null): Generator<Salvaged> {
    const place = { resource, collection, id, seq };
    if (isKey(place)) yield { kind: 'lost', place, version, isAcked: this.#isAcked(place) };
    else this.#hasNameless = true;
  }

  /** Rows of the table; 0 when they cannot be counted, as then what is in the index is all that can be known. */
  #rowCount(): number {
    return readOr(0, () => this.#count.get() as number);
  }

  #isAcked({ seq }: RecordPlace): boolean {
    if (this.#stream === undefined || seq > this.#stream.ackedSeq) return false;
    const isRejected = readOr(true, () => this.#isRejected?.get(seq) !== 0);
    return !isRejected;
  }
}

/** Sorts below every key, and above: no name is empty, and none begins like this. */
const FIRST_KEY = { collection: '', resource: '', id: '' };
const LAST_KEY = { collection: '\u{10FFFF}', resource: '', id: '' };

/** Undefined where it cannot be trusted: what the relay is said to have would not be looked for. */
function streamOf(database: Database): StreamEnd | undefined {
  // Files of earlier schemas have no seals.
  const hasSeal = hasColumn(database, 'stream', 'seal');
  const columns = hasSeal ? sealedColumns('stream') : 'incarnation, last_seq, acked_seq';
  const row = database.prepare(`SELECT ${columns} FROM stream WHERE id = 1`).get() as StreamColumns | undefined;
  if (row === undefined || (hasSeal && !isSealed('stream', row))) return undefined;
  return { incarnation: row.incarnation, lastSeq: row.last_seq, ackedSeq: row.acked_seq };
}

// A flipped bit may turn a text into bytes without changing one of them: the hash tells whether they are what was written.
function asTexts(columns: RecordColumns): RecordColumns {
  const values = Object.entries(columns).map(([name, value]: [string, unknown]) => {
    return [name, Buffer.isBuffer(value) ? value.toString() : value];
  });
  return Object.fromEntries(values) as RecordColumns;
}

/** Whether a row is whole, and another record than the one at a place. */
function isAnother(columns: RecordColumns, place: RecordPlace): boolean {
  const row = rowOfColumns(asTexts(columns));
  return !isSameKey(row, place) && recordHash(row) === row.hash;
}

function isSameKey(one: Omit<RecordPlace, 'seq'>, other: Omit<RecordPlace, 'seq'>): boolean {
  return one.collection === other.collection && one.resource === other.resource && one.id === other.id;
}

function isKey({ resource, collection, id }: RecordPlace): boolean {
  return (
    resourceName.safeParse(resource).success &&
    collectionName.safeParse(collection).success &&
    recordId.safeParse(id).success
  );
}

function readOr<Value>(otherwise: Value, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (isSqliteError(error)) return otherwise;
    throw error;
  }
}
