import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { CommandError } from '../../command-error.ts';

/** Not dependencies of ours: only this comparison wants them, and they bring some 200 packages. */
const manifest = {
  private: true,
  dependencies: { express: '4.21.2', 'express-pouchdb': '4.2.0', pouchdb: '9.0.0' },
};

/** The folder PouchDB is installed in, installed by npm the first time. Throws CommandError if that fails. */
export async function installPouchDb(): Promise<string> {
  const folder = fileURLToPath(new URL('../../../node_modules/.cache/bench-peers', import.meta.url));
  if (existsSync(join(folder, 'node_modules', 'pouchdb', 'package.json'))) return folder;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest, null, 2));
  try {
    await promisify(execFile)('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: folder });
    return folder;
  } catch {
    throw new CommandError('npm could not install PouchDB', `See what npm install says in ${folder}.`);
  }
}
