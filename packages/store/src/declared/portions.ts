import type { Database } from '@holdfast/sqlite';

/** Most records, and about the most bytes of documents, in one portion: nobody waits long for the transaction that looks at it. */
const PORTION_RECORDS = 200;
const PORTION_BYTES = 4_194_304;

/** Records by their keys, from the first to the last, both included. */
export interface KeySpan {
  readonly from: number;
  readonly to: number;
}

/** The span of all records. */
export const ALL_KEYS: KeySpan = { from: Number.MIN_SAFE_INTEGER, to: Number.MAX_SAFE_INTEGER };

/** The first records of a span. */
export interface Portion {
  /** Up to the last of them; up to the end of the span if there are no more. */
  readonly span: KeySpan;
  /** Of documents. */
  readonly bytes: number;
  /** What is left of the span; undefined: nothing. */
  readonly rest: KeySpan | undefined;
}

/** Takes the first portion off a span. */
export function portionOf(database: Database, key: string, { from, to }: KeySpan): Portion {
  const rows = database.prepare(
    `SELECT ${key} AS place, ifnull(octet_length(doc), 0) AS bytes FROM records
     WHERE ${isWithin(key)} ORDER BY ${key} LIMIT ${PORTION_RECORDS}`,
  );
  let [records, bytes, last] = [0, 0, to];
  for (const row of rows.iterate(from, to) as Iterable<{ readonly place: number; readonly bytes: number }>) {
    records += 1;
    bytes += row.bytes;
    last = row.place;
    if (bytes >= PORTION_BYTES) break;
  }
  const isAll = (records < PORTION_RECORDS && bytes < PORTION_BYTES) || last >= to;
  return { span: { from, to: isAll ? to : last }, bytes, rest: isAll ? undefined : { from: last + 1, to } };
}

/** Whether a key is within a span, in SQL. Full-text indexes look at whole numbers only, which keys are. */
export function isWithin(key: string): string {
  return `${key} BETWEEN CAST(? AS INTEGER) AND CAST(? AS INTEGER)`;
}

/** The records of a span of which anything may be kept and whose documents can be read, as SQL that comes after FROM. */
export function recordsWithin(key: string): string {
  const kept = 'SELECT collection FROM member_fields UNION SELECT collection FROM text_fields';
  return `(SELECT ${key}, collection, doc FROM records
    WHERE ${isWithin(key)} AND collection IN (${kept}) AND json_valid(doc)) AS records`;
}
