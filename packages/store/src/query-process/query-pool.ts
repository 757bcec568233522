import { fileURLToPath } from 'node:url';

import type { RecordLines, Row, RowSource } from '../query/row-source.ts';
import type { Sql } from '../query/sql.ts';
import { QueryChild } from './child.ts';
import { Deadline } from './deadline.ts';
import type { RowChunk } from './messages.ts';
import { namedRow } from './named-row.ts';
import { runInChild, type RunOptions } from './run-in-child.ts';
import { Places } from './places.ts';

const script = fileURLToPath(new URL('query-process.ts', import.meta.url));

/** Memory for objects in a process; a chunk of rows and the numbers of percentiles are in it. */
const HEAP_MEGABYTES = 128;

/** Which database is asked, and how. */
export interface QueryPoolOptions {
  /** The database's path. It is open in this process or another, and up to date. */
  readonly path: string;
  /** Queries that run at once; further ones wait. */
  readonly processes: number;
  /** How long a query may take, waiting for its turn and for whoever reads its rows included. */
  readonly seconds: number;
}

/**
 * Runs compiled queries in processes of their own, each with a read-only connection. A process is started when one is needed and
 * none is free, and serves many queries; one that takes too long, or that nobody waits for, is killed (SIGKILL: SQLite cannot be
 * interrupted from within), and so is none that others wait for.
 */
export class QueryPool implements RowSource {
  readonly #options: QueryPoolOptions;
  readonly #places: Places;
  readonly #stopping = new AbortController();
  readonly #idle: QueryChild[] = [];
  readonly #underWay = new Set<QueryChild>();

  constructor(options: QueryPoolOptions) {
    this.#options = options;
    this.#places = new Places(options.processes);
  }

  /** See `RowSource.rows`; `query-timeout` when the query took too long or `signal` ended it. */
  async *rows(sql: Sql, signal?: AbortSignal): AsyncGenerator<readonly Row[], void> {
    for await (const { columns, rows } of this.#chunks(sql, signal)) {
      yield rows.map((values) => namedRow(columns, values));
    }
  }

  /** See `RowSource.recordLines`; `query-timeout` when the query took too long or `signal` ended it. */
  async *recordLines(sql: Sql, most: number, signal?: AbortSignal): AsyncGenerator<RecordLines, void> {
    let left = most;
    for await (const { columns, rows, lines, isLast } of this.#chunks(sql, signal, { mostLines: most })) {
      const [last] = rows;
      if (last === undefined || lines === undefined) return;
      left -= lines.count;
      yield { ...lines, last: namedRow(columns, last), isCut: left === 0 && !isLast };
      if (left === 0) return;
    }
  }

  async *#chunks(
    sql: Sql,
    signal: AbortSignal | undefined,
    options: Pick<RunOptions, 'mostLines'> = {},
  ): AsyncGenerator<RowChunk, void> {
    const deadline = new Deadline({ seconds: this.#options.seconds, signal, stopping: this.#stopping.signal });
    const leave = await this.#places.enter(deadline);
    const child = this.#takeChild();
    try {
      yield* runInChild(child, sql, { deadline, ...options });
    } finally {
      this.#underWay.delete(child);
      if (child.isAlive && !this.#stopping.signal.aborted) this.#idle.push(child);
      leave();
    }
  }

  /** Ends all queries with `shutting-down`, and the processes; resolves when they are gone. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([...this.#idle, ...this.#underWay].map((child) => child.kill()));
  }

  #takeChild(): QueryChild {
    let child = this.#idle.pop();
    while (child !== undefined && !child.isAlive) child = this.#idle.pop();
    child ??= new QueryChild({
      script,
      args: [this.#options.path],
      environment: {},
      heapMegabytes: HEAP_MEGABYTES,
    });
    this.#underWay.add(child);
    return child;
  }
}
