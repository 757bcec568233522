import { randomBytes } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';

import type { SqlValue } from '../query/sql.ts';
import { openReadOnly } from '../query-process/open-read-only.ts';
import { arrayRows, type RawValue, type RowCursor } from '../query-process/row-chunks.ts';
import { Authorizer } from './authorizer.ts';
import type { SqlSetup } from './sql-setup.ts';
import { viewStatements } from './views.ts';

/** Ample for what people write, little for what is made to hurt. A value is larger than any document is. */
const LIMITS = {
  length: 4_194_304,
  sqlLength: 100_000,
  column: 500,
  exprDepth: 100,
  compoundSelect: 20,
  vdbeOp: 50_000,
  functionArg: 100,
  likePatternLength: 200,
  attach: 0,
  variableNumber: 0,
  triggerDepth: 1,
};

/** What may stand behind a statement: nothing but white space, semicolons and comments. */
const NOTHING = /^(?:[\s;]|--[^\n]*(?:\n|$)|\/\*[\s\S]*?(?:\*\/|$))*$/;

/** The columns of EXPLAIN: it shows addresses of this process's memory. */
const BYTECODE = 'addr,opcode,p1,p2,p3,p4,p5,comment';

/** A database of which statements see the views they are given and nothing else, and to which nothing is written. */
export class SqlSandbox {
  readonly #database: DatabaseSync;
  readonly #authorizer: Authorizer;

  /** `secret` begins the names of what stands behind the views; default: random. Throws SQLite's errors. */
  constructor({ path, views }: Omit<SqlSetup, 'kind'>, secret = `view_${randomBytes(16).toString('hex')}`) {
    this.#authorizer = new Authorizer(
      views.map(({ name }) => name),
      secret,
    );
    this.#database = openReadOnly(path);
    // What SQLite and the C library read once is read before there is a statement of anybody's.
    this.#database.prepare(`SELECT random(), datetime(0, 'unixepoch', 'localtime')`).get();
    for (const statement of viewStatements(views, secret)) this.#database.exec(statement);
    Object.assign(this.#database.limits, LIMITS);
    this.#database.setAuthorizer(this.#authorizer.authorize);
  }

  /** Starts a statement. Throws what SQLite does, also for what was refused, which `takeRefused` then tells. */
  start(text: string): RowCursor {
    const statement = only(this.#database.prepare(text), text);
    const columns = statement.columns().map(({ name }) => name);
    if (columns.join() === BYTECODE)
      throw new Error('EXPLAIN QUERY PLAN shows how it would run; EXPLAIN alone may not');
    return { columns, rows: arrayRows(statement.iterate()), valueOf };
  }

  /** See `Authorizer.takeRefused`. */
  takeRefused(): string | undefined {
    return this.#authorizer.takeRefused();
  }

  /** Gives the database up. */
  close(): void {
    this.#database.close();
  }
}

// SQLite compiles the first statement and leaves the rest alone.
function only(statement: StatementSync, text: string): StatementSync {
  if (NOTHING.test(text.slice(statement.sourceSQL.length))) return statement;
  throw new Error('there is more than one statement');
}

// Whole: an integer beyond 2^53 as text. Blobs in hexadecimal.
function valueOf(value: RawValue): SqlValue {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
}
