import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { CommandError } from '../command-error.ts';
import type { DatabaseKind } from './databases.ts';

const foldersOf: Readonly<Record<DatabaseKind, string>> = {
  node: 'packages/daemon/src/storage/migrations',
  agents: 'packages/store/src/migrations',
  relay: 'packages/relay/src/storage/sqlite/migrations',
};

const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** A migration that was begun. */
export interface CreatedMigration {
  readonly file: string;
  readonly number: number;
  /** What it is called where the list of migrations has to name it. */
  readonly constant: string;
  readonly list: string;
}

/**
 * Writes the next migration of a kind of database from a template into the checkout `from` is in. Throws CommandError outside
 * of a checkout, for a name that is none, and when there is a file of that name.
 */
export function createMigration(kind: DatabaseKind, name: string, from: string): CreatedMigration {
  if (!NAME.test(name)) {
    throw new CommandError(`"${name}" names no migration`, 'Use lower-case words with - between them.', 2);
  }
  const folder = join(checkoutAround(from), foldersOf[kind]);
  const numbers = readdirSync(folder).flatMap((file) => /^(\d{4})-/.exec(file)?.[1] ?? []);
  const number = Math.max(0, ...numbers.map(Number)) + 1;
  const file = join(folder, `${String(number).padStart(4, '0')}-${name}.ts`);
  const constant = name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  writeFileSync(file, templateOf(name, constant), { flag: 'wx' });
  return { file, number, constant, list: join(folder, 'index.ts') };
}

function checkoutAround(from: string): string {
  const isCheckout = Object.values(foldersOf).every((folder) => existsSync(join(from, folder)));
  if (isCheckout) return from;
  if (dirname(from) !== from) return checkoutAround(dirname(from));
  throw new CommandError(
    'there is no checkout of Holdfast around this folder',
    'Migrations are part of the source: run it in a clone of the repository.',
  );
}

function templateOf(name: string, constant: string): string {
  return `import type { Migration } from '@holdfast/sqlite';

/** What this adds to the schema, and what for. */
export const ${constant}: Migration = {
  name: '${name.replaceAll('-', ' ')}',
  sql: \`
\`,
  down: { sql: '' },
};
`;
}
