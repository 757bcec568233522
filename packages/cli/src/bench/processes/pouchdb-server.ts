/**
 * PouchDB behind express-pouchdb, on its LevelDB adapter. Arguments: the folder it is installed in, the folder for data.
 * Prints its address once it listens.
 */
import { createRequire } from 'node:module';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

interface PouchDb {
  defaults(options: { readonly prefix: string }): PouchDb;
}

type Express = () => RequestListener & { use(handler: RequestListener): void };

interface ServerOptions {
  readonly mode: 'minimumForPouchDB';
  readonly overrideMode: { readonly include: readonly string[] };
  readonly inMemoryConfig: boolean;
  readonly logPath: string;
}

const [installed = '', data = ''] = process.argv.slice(2);
const load = createRequire(join(installed, 'package.json'));
const express = load('express') as Express;
const pouchDb = load('pouchdb') as PouchDb;
const expressPouchDb = load('express-pouchdb') as (database: PouchDb, options: ServerOptions) => RequestListener;

const app = express();
const options: ServerOptions = {
  mode: 'minimumForPouchDB',
  overrideMode: { include: ['routes/replicate'] },
  inMemoryConfig: true,
  logPath: join(data, 'log.txt'),
};
app.use(expressPouchDb(pouchDb.defaults({ prefix: `${data}/` }), options));
const server = createServer(app).listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
