import { HoldfastError } from '@holdfast/protocol';
import { sqliteError } from '@holdfast/sqlite';

import type { Sql } from '../query/sql.ts';
import type { QueryChild } from './child.ts';
import type { Deadline } from './deadline.ts';
import type { ChunkBounds, QueryFailure, QueryReply, QueryRequest, RowChunk, SetupRequest } from './messages.ts';

/** A message of this size costs little to copy, few are needed for a page, and a stream of them leaves little behind at once. */
const CHUNK: ChunkBounds = { rows: 500, bytes: 24_576 };

/** SQLite found no memory. */
const NO_MEMORY = 7;

/** Gives a failure the error it is told by. */
export type TranslateFailure = (failure: QueryFailure) => unknown;

/** How a query is run in a process. */
export interface RunOptions {
  readonly deadline: Deadline;
  /** Told before the query. Default: nothing. */
  readonly setup?: SetupRequest;
  /** Its rows are of records and wanted as lines: so many of them at most. Default: rows are wanted, all. */
  readonly mostLines?: number;
  /** Default: SQLite's own error without its message. */
  readonly translate?: TranslateFailure;
}

/**
 * Runs a query in a process, chunk by chunk as they are asked for. The deadline kills the process. Whoever stops early leaves it
 * ready for another query.
 *
 * Throws the deadline's reason, `query-failed` if the process ended by itself, `file-damaged` for a row that no line can be made of,
 * and what `translate` makes of a failure.
 */
export async function* runInChild(
  child: QueryChild,
  sql: Sql,
  { deadline, setup, mostLines, translate = withoutMessage }: RunOptions,
): AsyncGenerator<RowChunk, void> {
  const kill = (): void => void child.kill();
  deadline.signal.addEventListener('abort', kill, { once: true });
  let isWhole = false;
  try {
    // Nobody hears of an end that came before.
    deadline.signal.throwIfAborted();
    if (setup !== undefined) chunkOf(await child.ask(setup), translate);
    let request: QueryRequest = { kind: 'run', sql, chunk: CHUNK, mostLines };
    for (; !isWhole; request = { kind: 'more' }) {
      const reply = await child.ask(request);
      isWhole = reply.kind === 'failed' || reply.isLast;
      yield chunkOf(reply, translate);
    }
  } catch (error) {
    throw deadline.reason() ?? (child.isAlive ? error : ended(error));
  } finally {
    deadline.signal.removeEventListener('abort', kill);
    if (deadline.signal.aborted) await child.kill();
    else if (!isWhole) child.tell({ kind: 'stop' });
  }
}

function chunkOf(reply: QueryReply, translate: TranslateFailure): RowChunk {
  if (reply.kind === 'rows') return reply;
  if (reply.resultCode === NO_MEMORY) throw new HoldfastError('query-failed', 'it needs more memory than it may have');
  if (reply.isOfDamage) throw new HoldfastError('file-damaged', reply.message);
  throw translate(reply);
}

function withoutMessage({ resultCode, message }: QueryFailure): unknown {
  return resultCode === undefined ? new Error(`a query failed: ${message}`) : sqliteError(resultCode);
}

function ended(error: unknown): unknown {
  return new HoldfastError('query-failed', 'the process that ran it ended', { cause: error });
}
