import type { ListedRow } from '../query/record-head.ts';
import type { Sql } from '../query/sql.ts';
import type { QueryFailure, QueryReply, QueryRequest, RowChunk, SetupRequest } from './messages.ts';
import { namedRow } from './named-row.ts';
import { DamagedRow, recordLine } from './record-line.ts';
import { RowChunks, type RowCursor } from './row-chunks.ts';

/** Starts the statement of a query. Throws what SQLite does. */
export type StartQuery = (sql: Sql) => RowCursor;

/** What requests are answered by. */
export interface QueryServer {
  readonly start: StartQuery;
  /** Does what a setup asks for. Default: nothing. */
  readonly setUp?: (setup: SetupRequest) => void;
  /** What the query asked for and may not, after `start` threw; undefined: that was not why. */
  readonly refused?: () => string | undefined;
}

const READY: QueryReply = { kind: 'rows', columns: [], rows: [], isLast: true };

/**
 * Answers the parent's requests (`QueryRequest`), one query at a time, until the parent is gone; then the process ends. A chunk
 * is made when it is asked for: a parent that does not ask holds the statement up, and with it nothing else.
 */
export function serveQueries({ start, setUp, refused }: QueryServer): void {
  let chunks: RowChunks | undefined;
  let areLines = false;
  const next = (): RowChunk | undefined => {
    const chunk = chunks?.next();
    return chunk !== undefined && areLines ? asLines(chunk) : chunk;
  };
  const carryOut = (request: QueryRequest): QueryReply | undefined => {
    if (request.kind === 'more') return next();
    chunks?.stop();
    chunks = undefined;
    if (request.kind === 'stop') return undefined;
    if (request.kind === 'run') {
      areLines = request.mostLines !== undefined;
      chunks = new RowChunks(start(request.sql), request.chunk, request.mostLines);
      return next();
    }
    setUp?.(request);
    return READY;
  };
  const answer = (request: QueryRequest): QueryReply | undefined => {
    try {
      return carryOut(request);
    } catch (error) {
      const isOfText = request.kind === 'run' && chunks === undefined;
      chunks?.stop();
      chunks = undefined;
      return { kind: 'failed', ...failureOf(error), isOfText, refused: refused?.() };
    }
  };
  process.on('message', (request: QueryRequest) => {
    const reply = answer(request);
    if (reply !== undefined) process.send?.(reply);
  });
  process.on('disconnect', () => process.exit());
}

function asLines({ rows, ...chunk }: RowChunk): RowChunk {
  const lines = rows.map((values) => recordLine(namedRow(chunk.columns, values) as ListedRow));
  return { ...chunk, rows: rows.slice(-1), lines: { text: lines.join(''), count: lines.length } };
}

function failureOf(error: unknown): Pick<QueryFailure, 'resultCode' | 'message' | 'isOfDamage'> {
  const message = error instanceof Error ? error.message : String(error);
  const resultCode = error instanceof Error && 'errcode' in error ? Number(error.errcode) : undefined;
  return { resultCode, message, isOfDamage: error instanceof DamagedRow };
}
