/**
 * Runs one statement that a person wrote, for reading only, over views alone (`SqlSandbox`), and answers by messages
 * (`serveQueries`). What it is to open is told first: `SqlSetup`.
 */
import { serveQueries } from '../query-process/serve-queries.ts';
import { SqlSandbox } from './sandbox.ts';
import type { SqlSetup } from './sql-setup.ts';

let sandbox: SqlSandbox | undefined;

serveQueries({
  setUp: (setup) => {
    sandbox = new SqlSandbox(setup as SqlSetup);
  },
  start: ({ text }) => {
    if (sandbox === undefined) throw new Error('a statement came before the setup');
    return sandbox.start(text);
  },
  refused: () => sandbox?.takeRefused(),
});
