import { fileURLToPath } from 'node:url';

import { HoldfastError } from '@holdfast/protocol';
import { sqliteError } from '@holdfast/sqlite';

import { sql, type SqlValue } from '../query/sql.ts';
import { QueryChild } from '../query-process/child.ts';
import { Deadline } from '../query-process/deadline.ts';
import type { QueryFailure } from '../query-process/messages.ts';
import { Places } from '../query-process/places.ts';
import { runInChild } from '../query-process/run-in-child.ts';
import type { SqlSetup } from './sql-setup.ts';
import type { SqlView } from './views.ts';

const script = fileURLToPath(new URL('sql-process.ts', import.meta.url));

/** Memory for objects in a process; a chunk of rows is in it. */
const HEAP_MEGABYTES = 128;

/** Without variables of ours; `localtime` is UTC. */
const ENVIRONMENT = { TZ: 'UTC0' };

/** What SQLite says of a statement that fails while it runs, where that quotes no data. */
const HARMLESS = /^(?:integer overflow|malformed JSON|string or blob too big|LIKE or GLOB pattern too complex)$/;

/** SQLite's result codes for what a statement did wrong while it ran. */
const FAULTS_OF_STATEMENT: ReadonlySet<number> = new Set([1, 18, 20, 25]);

/** Which database is read, and how. */
export interface SqlReaderOptions {
  /** The database's path. It is open in this process or another, and up to date. */
  readonly path: string;
  /** Statements that run at once; further ones wait. */
  readonly processes: number;
  /** How long a statement may take, waiting for its turn and for whoever reads its rows included. */
  readonly seconds: number;
  /** A program and its arguments that run each process under them. Default: nothing. */
  readonly under?: readonly string[];
}

/** Part of a statement's answer. */
export interface SqlRows {
  /** The same in each part. */
  readonly columns: readonly string[];
  readonly rows: readonly (readonly SqlValue[])[];
}

/**
 * Runs statements that people wrote, each in a process of its own that ends with it: read-only, over views alone (`Authorizer`),
 * bounded in time and memory. It opens no file but the database and its log, and writes none.
 */
export class SqlReader {
  readonly #options: SqlReaderOptions;
  readonly #places: Places;
  readonly #stopping = new AbortController();
  readonly #underWay = new Set<QueryChild>();

  constructor(options: SqlReaderOptions) {
    this.#options = options;
    this.#places = new Places(options.processes);
  }

  /**
   * The rows of a statement in parts, the first of them there even if it has no rows. Whoever stops early ends the process.
   *
   * Throws `invalid-request` with what SQLite says of the text, `sql-forbidden`, `query-timeout`, `query-failed`, `shutting-down`,
   * and SQLite's errors about the file.
   */
  async *read(text: string, views: readonly SqlView[], signal?: AbortSignal): AsyncGenerator<SqlRows, void> {
    const { seconds, path, under } = this.#options;
    const deadline = new Deadline({ seconds, signal, stopping: this.#stopping.signal });
    const leave = await this.#places.enter(deadline);
    const setup: SqlSetup = { kind: 'setup', path, views };
    const child = new QueryChild({
      script,
      args: [],
      environment: ENVIRONMENT,
      heapMegabytes: HEAP_MEGABYTES,
      // Its threads count together.
      cpuSeconds: Math.ceil(seconds) * 4,
      ...(under && { under }),
    });
    this.#underWay.add(child);
    try {
      yield* runInChild(child, sql(text), { deadline, setup, translate: (failure) => errorOf(failure, views) });
    } finally {
      this.#underWay.delete(child);
      await child.kill();
      leave();
    }
  }

  /** Ends all statements with `shutting-down`, and their processes; resolves when they are gone. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([...this.#underWay].map((child) => child.kill()));
  }
}

function errorOf({ refused, isOfText, message, resultCode = 1 }: QueryFailure, views: readonly SqlView[]): unknown {
  if (refused !== undefined) return forbidden(refused, views);
  if (isOfText && FAULTS_OF_STATEMENT.has(resultCode)) return invalid(message);
  if (!FAULTS_OF_STATEMENT.has(resultCode & 0xff)) return sqliteError(resultCode);
  return invalid(HARMLESS.test(message) ? message : 'it failed while it ran, on a value it met');
}

function forbidden(refused: string, views: readonly SqlView[]): HoldfastError {
  const names = views.map(({ name }) => name);
  const readable = names.length === 0 ? 'there are no collections to read yet' : `there is ${names.join(', ')}`;
  return new HoldfastError('sql-forbidden', `${refused}; ${readable}`, { extensions: { readable: names } });
}

function invalid(message: string): HoldfastError {
  return new HoldfastError('invalid-request', `sql: ${message}`, { issues: [{ path: 'sql', message }] });
}
