/**
 * Runs one statement that a person wrote, for reading only, over views alone, and answers by messages (`serveQueries`). What it is
 * to open comes as the first message: `SqlSetup`.
 */
import { randomBytes } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';

import type { SqlValue } from '../query/sql.ts';
import { openReadOnly } from '../query-process/open-read-only.ts';
import type { RawValue } from '../query-process/row-chunks.ts';
import { serveQueries } from '../query-process/serve-queries.ts';
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

process.once('message', ({ path, views }: SqlSetup) => {
  const secret = `view_${randomBytes(16).toString('hex')}`;
  const authorizer = new Authorizer(
    views.map(({ name }) => name),
    secret,
  );
  let database: DatabaseSync | undefined;
  const open = (): DatabaseSync => {
    const opened = openReadOnly(path);
    for (const statement of viewStatements(views, secret)) opened.exec(statement);
    Object.assign(opened.limits, LIMITS);
    opened.setAuthorizer(authorizer.authorize);
    return opened;
  };
  serveQueries(
    ({ text }) => {
      const statement = only((database ??= open()).prepare(text), text);
      const columns = statement.columns().map(({ name }) => name);
      return { columns, rows: statement.iterate() as unknown as Iterator<readonly RawValue[]>, valueOf };
    },
    () => authorizer.takeRefused(),
  );
});

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
