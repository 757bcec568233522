import {
  HoldfastError,
  isHoldfastError,
  limits,
  type Query,
  type Record as PublicRecord,
  type StreamConfig,
} from '@holdfast/protocol';

import { compilePage, type PageQuery, type QueryScope } from './compile.ts';
import { toPublicRecord } from './listed-row.ts';
import type { ListedRow } from './record-head.ts';
import type { Lines, RecordLines, Row, RowSource } from './row-source.ts';
import type { QueryResult } from './runnable.ts';

/** How much one stream holds at most. */
export interface StreamBounds {
  readonly records: number;
  /** Of lines, roughly: it ends soon after the record that reaches them. */
  readonly bytes: number;
}

const MEBIBYTE = 1024 * 1024;

/** The bounds that a configuration sets. */
export function streamBounds(config: StreamConfig): StreamBounds {
  return { records: config['query.streamRecords'], bytes: config['query.streamMegabytes'] * MEBIBYTE };
}

/**
 * The records of a query in order, in groups of bounded size; none is read that nobody asks for. Returns the token to go on with,
 * or null: those were all. A query's `limit` may be any number here.
 */
export type RecordStream = AsyncGenerator<Lines, string | null>;

/** How a stream is read elsewhere. */
export interface StreamOptions {
  readonly bounds: StreamBounds;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Streams the records of a query that runs elsewhere, all as of one moment. When its time is over after a first record, the stream
 * ends and tells how to go on. Throws `invalid-request` and what `RowSource.rows` throws.
 */
export async function* streamFrom(
  source: RowSource,
  query: Query,
  scope: QueryScope,
  { bounds, signal }: StreamOptions,
): RecordStream {
  const page = compilePage({ ...assertRecords(query), limit: mostRecords(query, bounds) }, scope);
  const isWhole = query.select === undefined && scope.shown === undefined;
  const groups = isWhole
    ? source.recordLines(page.sql, page.limit, signal)
    : shownLines(source, page, { query, scope, signal });
  let last: Row | undefined;
  let bytes = 0;
  try {
    for await (const group of groups) {
      yield group;
      bytes += group.text.length;
      ({ last } = group);
      if (group.isCut || bytes >= bounds.bytes) return page.tokenAfter(last);
    }
  } catch (error) {
    if (last === undefined || signal?.aborted === true || !isHoldfastError(error, 'query-timeout')) throw error;
    return page.tokenAfter(last);
  }
  return null;
}

/** The lines of records of which a part is shown: each document is read and written again. */
async function* shownLines(
  source: RowSource,
  { sql, limit }: PageQuery,
  { query, scope, signal }: { query: Query; scope: QueryScope; signal: AbortSignal | undefined },
): AsyncGenerator<RecordLines, void> {
  let left = limit;
  let last: ListedRow | undefined;
  for await (const rows of source.rows(sql, signal) as AsyncGenerator<readonly ListedRow[]>) {
    const taken = rows.slice(0, left);
    last = taken.at(-1) ?? last;
    if (last === undefined) return;
    left -= taken.length;
    const text = linesOf(taken.map((row) => toPublicRecord(row, query.select, scope)));
    yield { text, count: taken.length, last, isCut: taken.length < rows.length };
  }
}

/**
 * Streams the records of a query page by page, each as of its own moment; others have their turn between two pages. `pageOf`
 * answers a query with a page. Throws `invalid-request` and what `pageOf` throws.
 */
export async function* streamPages(
  pageOf: (query: Query) => QueryResult | Promise<QueryResult>,
  query: Query,
  bounds: StreamBounds,
): RecordStream {
  const most = mostRecords(assertRecords(query), bounds);
  let after = query.after;
  let records = 0;
  let bytes = 0;
  for (;;) {
    const limit = Math.min(limits.pageRecords, most - records);
    const page = await pageOf({ ...query, limit, ...(after !== undefined && { after }) });
    if (!('records' in page)) throw new Error('a query for records was answered with something else');
    const text = linesOf(page.records);
    yield { text, count: page.records.length };
    records += page.records.length;
    bytes += text.length;
    if (page.next === null || records >= most || bytes >= bounds.bytes) return page.next;
    after = page.next;
  }
}

function linesOf(records: readonly PublicRecord[]): string {
  return records.map((record) => `${JSON.stringify(record)}\n`).join('');
}

function mostRecords({ limit = Infinity }: Query, bounds: StreamBounds): number {
  return Math.min(limit, bounds.records);
}

function assertRecords(query: Query): Query {
  if (query.aggregate === undefined && query.explain !== true) return query;
  const message = 'groups and plans are answered as application/json';
  throw new HoldfastError('invalid-request', `Accept: ${message}`, { issues: [{ path: 'Accept', message }] });
}
