import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { nodeMigrations } from '@holdfast/daemon';
import { sqliteRelayMigrations } from '@holdfast/relay';
import { dumpSchema, lockDirectory, migrateDown, openDatabase, openMigrated, schemaOf } from '@holdfast/sqlite';
import { agentMigrations, checkFile } from '@holdfast/store';
import { describe, expect, test } from 'vitest';

import { inTemporaryDirectory, runHoldfast } from './run-holdfast.ts';

type Migrations = typeof agentMigrations;

/** JSON of whatever shape, as `JSON.parse` types it. */
type AnyJson = ReturnType<typeof JSON.parse>;

const newest = { node: nodeMigrations.length, agents: agentMigrations.length, relay: sqliteRelayMigrations.length };

function fixture(owner: 'daemon' | 'store' | 'relay', schema: number, file: string): string {
  return fileURLToPath(new URL(`../../${owner}/test/fixtures/schema-${schema}/${file}`, import.meta.url));
}

/** Does `work` in the data directory of a node whose files are of old schemas. */
function inOldNode(work: (directory: string) => Promise<void>): Promise<void> {
  return inTemporaryDirectory((directory) => {
    mkdirSync(join(directory, 'agents'), { mode: 0o700 });
    copyFileSync(fixture('daemon', 1, 'node.db'), join(directory, 'node.db'));
    copyFileSync(fixture('store', 1, 'agent.db'), join(directory, 'agents', 'ada.db'));
    copyFileSync(fixture('store', 2, 'agent.db'), join(directory, 'agents', 'bob.db'));
    return work(directory);
  });
}

function inOldRelay(work: (directory: string) => Promise<void>): Promise<void> {
  return inTemporaryDirectory((directory) => {
    copyFileSync(fixture('relay', 2, 'relay.db'), join(directory, 'relay.db'));
    return work(directory);
  });
}

async function migrate(
  directory: string,
  ...args: readonly string[]
): Promise<{ readonly exitCode: number | null; readonly json: AnyJson }> {
  const { exitCode, stdout, stderr } = await runHoldfast(['migrate', ...args, '--data-dir', directory, '--json']);
  return { exitCode, json: JSON.parse(stdout === '' ? stderr : stdout) };
}

function inDatabase(path: string, sql: string): void {
  const database = openDatabase(path);
  database.exec(sql);
  database.close();
}

describe('migrate status', () => {
  test('lists each database with its schema, and what would run, and changes nothing', () =>
    inOldNode(async (directory) => {
      const files = ['node.db', 'agents/ada.db', 'agents/bob.db'].map((file) => join(directory, file));
      const before = files.map((file) => readFileSync(file));
      const { exitCode, json } = await migrate(directory, 'status');
      expect(exitCode).toBe(0);
      const steps = agentMigrations.map(({ name }, at) => `${at + 1} ${name}`);
      expect(json.databases).toMatchObject([
        { file: 'node.db', kind: 'node', schema: 1, newest: newest.node, no_way_back: expect.any(String), error: null },
        {
          file: 'agents/ada.db',
          schema: 1,
          newest: newest.agents,
          pending: steps.slice(1),
        },
        { file: 'agents/bob.db', schema: 2, pending: steps.slice(2), no_way_back: null },
      ]);
      expect(files.map((file) => readFileSync(file))).toEqual(before);
    }));

  test('tells of a file that cannot be read, and of one of a newer version', () =>
    inOldNode(async (directory) => {
      writeFileSync(join(directory, 'agents', 'ada.db'), 'no database at all, whatever its name says'.repeat(100));
      inDatabase(join(directory, 'agents', 'bob.db'), 'PRAGMA user_version = 99');
      const { exitCode, json } = await migrate(directory, 'status');
      expect(exitCode).toBe(3);
      expect(json.databases[1]).toMatchObject({ schema: null, error: expect.stringContaining('SQLITE_NOTADB') });
      expect(json.databases[2]).toMatchObject({ schema: 99, error: expect.stringContaining('newer') });
    }));

  test('is refused while the service runs, as are the others', () =>
    inOldRelay(async (directory) => {
      const lock = lockDirectory(directory);
      for (const verb of ['status', 'up', 'down']) {
        const { exitCode, json } = await migrate(directory, verb);
        expect([verb, exitCode, json.error.code]).toEqual([verb, 1, 'directory-locked']);
      }
      lock.release();
    }));

  test('is refused where no service was prepared', () =>
    inTemporaryDirectory(async (directory) => {
      const { exitCode, json } = await migrate(directory, 'status');
      expect([exitCode, json.error.code]).toEqual([78, 'bad-configuration']);
    }));
});

describe('migrate up', () => {
  test('brings every database forward and keeps a copy of each as it was', () =>
    inOldNode(async (directory) => {
      const { exitCode, json } = await migrate(directory, 'up');
      expect([exitCode, json.failed, json.unchanged]).toEqual([0, [], 0]);
      expect(movesIn(json)).toEqual([
        ['node.db', 1, newest.node],
        ['agents/ada.db', 1, newest.agents],
        ['agents/bob.db', 2, newest.agents],
      ]);
      for (const { copy, from } of json.migrated as readonly Move[])
        expect(schemaIn(copy)).toContain(`-- Schema ${from}\n`);
      expect(await checkFile(join(directory, 'agents', 'ada.db'), 'agent')).toMatchObject({ state: 'sound' });
      const again = await migrate(directory, 'up');
      expect(again.json).toMatchObject({ migrated: [], unchanged: 3, failed: [] });
    }));

  test('leaves a damaged file as it is and brings all others forward', () =>
    inOldNode(async (directory) => {
      const damaged = join(directory, 'agents', 'ada.db');
      const bytes = readFileSync(damaged);
      // The b-tree header of every page but the first: the schema can be read, the data cannot.
      for (let at = 4096; at < bytes.length; at += 4096) bytes.fill(0x5a, at, at + 16);
      writeFileSync(damaged, bytes);
      const { exitCode, json } = await migrate(directory, 'up');
      expect(exitCode).toBe(3);
      expect(json.failed).toEqual([{ file: 'agents/ada.db', reason: expect.any(String) }]);
      expect(json.migrated).toHaveLength(2);
      expect(readFileSync(damaged)).toEqual(bytes);
    }));
});

describe('migrate down', () => {
  test('takes all agents of the highest schema one back, sound, and up brings them forward again', () =>
    inOldNode(async (directory) => {
      await migrate(directory, 'up');
      const down = await migrate(directory, 'down', 'agents');
      expect(down.exitCode).toBe(0);
      const oneBack = { from: newest.agents, to: newest.agents - 1 };
      expect(down.json.migrated).toMatchObject([oneBack, oneBack]);
      // As after a run that was cut off between the two.
      openMigrated(join(directory, 'agents', 'bob.db'), agentMigrations).close();
      expect((await migrate(directory, 'down', 'agents')).json).toMatchObject({
        migrated: [{ file: 'agents/bob.db', ...oneBack }],
        unchanged: 1,
      });
      for (let schema = oneBack.to; schema > 1; schema -= 1) await migrate(directory, 'down', 'agents');
      expect(schemaIn(join(directory, 'agents', 'ada.db'))).toContain('-- Schema 1\n');
      expect((await migrate(directory, 'down', 'agents')).json.error).toMatchObject({ code: 'migration-refused' });
      await migrate(directory, 'up');
      expect(await checkFile(join(directory, 'agents', 'bob.db'), 'agent')).toMatchObject({ state: 'sound' });
    }));

  test('is refused, and changes nothing, where the version before could not do with what is there', () =>
    inOldNode(async (directory) => {
      await migrate(directory, 'up');
      const path = join(directory, 'node.db');
      inDatabase(path, "UPDATE agents SET damaged_reason = 'it rotted', damaged_at = 1 WHERE name = 'ada'");
      for (let schema = newest.node; schema > 2; schema -= 1) await migrate(directory, 'down', 'node');
      const before = readFileSync(path);
      const { exitCode, json } = await migrate(directory, 'down', 'node');
      expect([exitCode, json.error]).toEqual([
        1,
        expect.objectContaining({ code: 'migration-refused', detail: expect.stringContaining('damaged') }),
      ]);
      expect(readFileSync(path)).toEqual(before);
      expect(existsSync(join(directory, 'before-migration'))).toBe(true);
    }));

  test('of a relay is refused once a copy of a node ran, as only the newer schema knows the order of its starts', () =>
    inOldRelay(async (directory) => {
      const path = join(directory, 'relay.db');
      await migrate(directory, 'up');
      inDatabase(
        path,
        `INSERT INTO starts (node, start, parent) VALUES
         ('htpc', '00000001', NULL), ('htpc', '00000002', '00000001'), ('htpc', '00000003', '00000001')`,
      );
      for (let schema = newest.relay; schema > 3; schema -= 1)
        expect((await migrate(directory, 'down')).exitCode).toBe(0);
      const { json } = await migrate(directory, 'down', 'relay');
      expect(json.error).toMatchObject({
        code: 'migration-refused',
        detail: expect.stringContaining('copy of a node'),
      });
      inDatabase(path, "DELETE FROM starts WHERE start = '00000003'");
      expect((await migrate(directory, 'down')).json).toMatchObject({ migrated: [{ from: 3, to: 2 }] });
    }));

  test('asks which databases of a node', () =>
    inOldNode(async (directory) => {
      for (const args of [[], ['relay'], ['elsewhere']]) {
        const { exitCode, json } = await migrate(directory, 'down', ...args);
        expect([exitCode, json.error.code]).toEqual([2, 'usage']);
      }
    }));

  const lists: readonly (readonly [string, Migrations])[] = [
    ['node', nodeMigrations],
    ['agents', agentMigrations],
    ['relay', sqliteRelayMigrations],
  ];
  test.each(lists)('leads from each schema of %s to the one before, word for word', (_, migrations) =>
    inTemporaryDirectory((directory) => {
      const database = openMigrated(join(directory, 'new.db'), migrations);
      for (let schema = migrations.length; schema > 1; schema -= 1) {
        migrateDown(database, migrations);
        expect(words(schemaOf(database))).toBe(words(dumpSchema(migrations.slice(0, schema - 1))));
      }
      expect(() => migrateDown(database, migrations)).toThrow('nothing stands before the first schema');
      database.close();
    }),
  );
});

describe('migrate create', () => {
  const folders = [
    'packages/daemon/src/storage/migrations',
    'packages/store/src/migrations',
    'packages/relay/src/storage/sqlite/migrations',
  ];
  const create = (name: string, directory: string): ReturnType<typeof runHoldfast> =>
    runHoldfast(['migrate', 'create', name, '--of', 'agents', '--json'], { directory });

  test('writes the next number into the right folder of a checkout, from anywhere in it', () =>
    inTemporaryDirectory(async (directory) => {
      for (const folder of folders) mkdirSync(join(directory, folder), { recursive: true });
      const folder = join(directory, 'packages/store/src/migrations');
      for (const { name } of [{ name: '0001-a.ts' }, { name: '0012-b.ts' }, { name: 'index.ts' }]) {
        writeFileSync(join(folder, name), '');
      }
      const { exitCode, stdout } = await create('record-labels', dirname(folder));
      expect(exitCode).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ number: 13, constant: 'recordLabels' });
      const text = readFileSync(join(folder, '0013-record-labels.ts'), 'utf8');
      expect(text).toContain("export const recordLabels: Migration = {\n  name: 'record labels',");
    }));

  test('is refused outside of a checkout, and for a name that is none', () =>
    inTemporaryDirectory(async (directory) => {
      const outside = await create('record-labels', directory);
      expect([outside.exitCode, outside.stderr]).toEqual([1, expect.stringContaining('no checkout')]);
      expect((await create('../../etc', directory)).exitCode).toBe(2);
    }));
});

interface Move {
  readonly file: string;
  readonly from: number;
  readonly to: number;
  readonly copy: string;
}

function movesIn({ migrated }: AnyJson): unknown {
  return (migrated as readonly Move[]).map(({ file, from, to }) => [file, from, to]);
}

function schemaIn(path: string): string {
  const database = openDatabase(path);
  try {
    return schemaOf(database);
  } finally {
    database.close();
  }
}

/** A schema without the white space between its words. */
function words(schema: string): string {
  return schema.replaceAll(/\s+/g, ' ').replaceAll(/ ?([(),]) ?/g, '$1');
}
