/**
 * Runs one statement that a person wrote, for reading only, over views alone (`SqlSandbox`), and answers by messages
 * (`serveQueries`). What it is to open comes as the first message: `SqlSetup`.
 */
import { serveQueries } from '../query-process/serve-queries.ts';
import { SqlSandbox } from './sandbox.ts';
import type { SqlSetup } from './sql-setup.ts';

process.once('message', (setup: SqlSetup) => {
  let sandbox: SqlSandbox | undefined;
  serveQueries(
    ({ text }) => (sandbox ??= new SqlSandbox(setup)).start(text),
    () => sandbox?.takeRefused(),
  );
});
