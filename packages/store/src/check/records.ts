import type { Database } from '@holdfast/sqlite';

import { type RecordColumns, recordHash } from '../row.ts';
import type { Pace } from './pace.ts';
import type { DamagedRecord, FileKind, Problem } from './report.ts';

/** Most records, and about the most bytes of documents, in one read: no read stands in the way of a checkpoint for long. */
const PAGE_RECORDS = 500;
const PAGE_BYTES = 4_194_304;

/** Damaged records listed at most. */
const MAX_LISTED = 1000;

/** What the records of a file came to. */
export interface RecordFindings {
  readonly records: number;
  readonly problems: readonly Problem[];
  readonly damagedRecords: readonly DamagedRecord[];
}

interface PlacedColumns extends RecordColumns {
  readonly place: number;
}

/**
 * Computes every record's content hash anew and reads its document, a page at a time. Records written meanwhile move to
 * the end of the table, beyond where this looks: they are for the next check.
 */
export async function checkRecords(database: Database, kind: FileKind, pace: Pace): Promise<RecordFindings> {
  const place = kind === 'relay' ? 'position' : 'seq';
  const end = database.prepare(`SELECT max(${place}) FROM records`).pluck().get() as number | null;
  const page = database.prepare(
    `SELECT ${place} AS place, resource, collection, id, version, created_at, updated_at, expires_at, deleted, hash, doc
     FROM records WHERE ${place} > ? AND ${place} <= ? ORDER BY ${place} LIMIT ${PAGE_RECORDS}`,
  );
  const tally: Tally = { records: 0, wrongHashes: 0, noJson: 0, listed: [] };
  for (let after = -Infinity, isMore = end !== null; isMore;) {
    let bytes = 0;
    isMore = false;
    for (const row of page.iterate(after, end) as Iterable<PlacedColumns>) {
      checkRecord(row, tally);
      after = row.place;
      isMore = true;
      bytes += row.doc?.length ?? 0;
      if (bytes >= PAGE_BYTES) break;
    }
    await pace(bytes);
  }
  return { records: tally.records, problems: problemsOf(tally), damagedRecords: tally.listed };
}

interface Tally {
  records: number;
  wrongHashes: number;
  noJson: number;
  readonly listed: DamagedRecord[];
}

function checkRecord(row: PlacedColumns, tally: Tally): void {
  tally.records += 1;
  const isAsWritten = hashOf(row) === row.hash;
  const isJson = row.deleted === 1 || isJsonText(row.doc);
  if (!isAsWritten) tally.wrongHashes += 1;
  if (!isJson) tally.noJson += 1;
  if ((isAsWritten && isJson) || tally.listed.length === MAX_LISTED) return;
  const { place, resource, collection, id, version } = row;
  tally.listed.push({ place, resource, collection, id, version });
}

function hashOf(row: RecordColumns): string {
  return recordHash({
    ...row,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
    expiresAtMs: row.expires_at,
    deleted: row.deleted === 1,
  });
}

function isJsonText(text: string | null): boolean {
  try {
    JSON.parse(text ?? '');
    return true;
  } catch {
    return false;
  }
}

function problemsOf({ wrongHashes, noJson, listed }: Tally): Problem[] {
  const problems: Problem[] = [];
  const places = listed.slice(0, 3).map(({ place }) => place);
  const where = `the first at ${places.join(', ')}`;
  if (wrongHashes > 0) {
    problems.push({ kind: 'hash', count: wrongHashes, detail: `records are not what was written, ${where}` });
  }
  if (noJson > 0) problems.push({ kind: 'document', count: noJson, detail: `documents are no JSON, ${where}` });
  return problems;
}
