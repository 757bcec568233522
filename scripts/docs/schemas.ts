import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import type { dumpSchema, Migration } from '@holdfast/sqlite';

import type { GeneratedFile } from './page.ts';

/** A database's schema: the module its migrations stand in, their exported name, and the committed dump. */
export interface SchemaSource {
  readonly module: string;
  readonly migrations: string;
  readonly dump: string;
}

/** Every database there is. The gate fails if a `migrations.ts` or `migrations/index.ts` is missing here. */
export const schemaSources: readonly SchemaSource[] = [
  {
    module: 'packages/store/src/migrations/index.ts',
    migrations: 'agentMigrations',
    dump: 'packages/store/schema.sql',
  },
  {
    module: 'packages/daemon/src/storage/migrations/index.ts',
    migrations: 'nodeMigrations',
    dump: 'packages/daemon/schema.sql',
  },
  {
    module: 'packages/daemon/src/storage/replica/migrations/index.ts',
    migrations: 'replicaMigrations',
    dump: 'packages/daemon/replica-schema.sql',
  },
  {
    module: 'packages/relay/src/storage/sqlite/migrations/index.ts',
    migrations: 'sqliteRelayMigrations',
    dump: 'packages/relay/schema.sql',
  },
];

/** The schema each list of migrations makes in a new database, as text for the committed dumps. */
export async function renderSchemas(root: string): Promise<readonly GeneratedFile[]> {
  const { dumpSchema: dump } = (await load(root, 'packages/sqlite/src/index.ts')) as { dumpSchema: typeof dumpSchema };
  return Promise.all(
    schemaSources.map(async ({ module, migrations, dump: path }) => {
      const list = (await load(root, module))[migrations];
      if (!isMigrationList(list)) throw new Error(`${module} exports no list of migrations called ${migrations}`);
      return { path, text: dump(list) };
    }),
  );
}

async function load(root: string, module: string): Promise<Readonly<Record<string, unknown>>> {
  return (await import(pathToFileURL(join(root, module)).href)) as Readonly<Record<string, unknown>>;
}

function isMigrationList(value: unknown): value is readonly Migration[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((step: unknown) => {
      return typeof step === 'object' && step !== null && 'sql' in step;
    })
  );
}
