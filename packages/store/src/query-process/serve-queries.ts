import type { Sql } from '../query/sql.ts';
import type { QueryFailure, QueryReply, QueryRequest } from './messages.ts';
import { RowChunks, type RowCursor } from './row-chunks.ts';

/** Starts the statement of a query. Throws what SQLite does. */
export type StartQuery = (sql: Sql) => RowCursor;

/**
 * Answers the parent's requests (`QueryRequest`), one query at a time, until the parent is gone; then the process ends. A chunk
 * is made when it is asked for: a parent that does not ask holds the statement up, and with it nothing else.
 */
export function serveQueries(start: StartQuery, refused: () => string | undefined = () => undefined): void {
  let chunks: RowChunks | undefined;
  const answer = (request: QueryRequest): QueryReply | undefined => {
    let isOfText = request.kind === 'run';
    try {
      if (request.kind !== 'more') chunks?.stop();
      if (request.kind === 'stop') chunks = undefined;
      if (request.kind === 'run') chunks = new RowChunks(start(request.sql), request.chunk);
      isOfText = false;
      return chunks?.next();
    } catch (error) {
      chunks = undefined;
      return { kind: 'failed', ...failureOf(error), isOfText, refused: refused() };
    }
  };
  process.on('message', (request: QueryRequest) => {
    const reply = answer(request);
    if (reply !== undefined) process.send?.(reply);
  });
  process.on('disconnect', () => process.exit());
}

function failureOf(error: unknown): Pick<QueryFailure, 'resultCode' | 'message'> {
  const message = error instanceof Error ? error.message : String(error);
  const resultCode = error instanceof Error && 'errcode' in error ? Number(error.errcode) : undefined;
  return { resultCode, message };
}
