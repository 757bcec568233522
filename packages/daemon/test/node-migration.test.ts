import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { migrate, openDatabase, schemaVersion } from '@holdfast/sqlite';
import { temporaryDirectory } from '@holdfast/testkit';
import { describe, expect, test } from 'vitest';

import { nodeMigrations } from '../src/storage/migrations/index.ts';
import { NodeDatabase } from '../src/storage/node-database.ts';
import { TestDaemon } from './support/test-daemon.ts';

const fixture = new URL('fixtures/schema-1/node.db', import.meta.url).pathname;

test.each([2, 4])("a node's database of schema %d is brought up to date with all that was in it", async (schema) => {
  await using place = await temporaryDirectory();
  const path = place.file('node.db');
  cpSync(new URL(`fixtures/schema-${schema}/node.db`, import.meta.url).pathname, path);
  const database = new NodeDatabase(path);
  expect(database.agents().map(({ name }) => name)).toEqual(['ada', 'bob']);
  expect(database.tokens()).toHaveLength(4);
  expect(database.enrolment).toMatchObject({ name: 'workstation', credential: 'fixture-credential' });
  expect([database.arrivals.cursor, database.arrivals.held]).toEqual([undefined, 0]);
  database.close();
});

describe("a node's database of schema 1", () => {
  test('is brought up to date with all that was in it', async () => {
    await using place = await temporaryDirectory();
    const path = place.file('node.db');
    cpSync(fixture, path);
    const database = new NodeDatabase(path);
    expect(database.agents().map(({ name }) => name)).toEqual(['ada', 'bob']);
    expect(database.tokens()).toHaveLength(4);
    expect(database.enrolment).toMatchObject({ name: 'workstation', credential: 'fixture-credential' });
    expect(database.isAdopting).toBe(false);
    expect(database.predecessorsOf('c'.repeat(32))).toEqual(['b'.repeat(32), 'a'.repeat(32)]);
    expect(database.marks.all()).toEqual(
      ['ada', 'bob'].map((agent) => ({
        agent,
        incarnation: null,
        seq: 0,
        putBackAtMs: null,
        damage: null,
        setAside: null,
        restoring: null,
      })),
    );
    database.close();
  });

  test('serves: files that nothing is known of yet are taken as they are', async () => {
    await using place = await temporaryDirectory();
    const directory = place.file('node');
    mkdirSync(directory, { mode: 0o700 });
    cpSync(fixture, join(directory, 'node.db'));
    // The fixture's admin token is nowhere: a test cannot speak for it, and the agents' files begin when they are used.
    const database = new NodeDatabase(join(directory, 'node.db'));
    database.removeToken(database.tokens().find(({ role }) => role === 'admin')?.id ?? '');
    database.close();
    await using daemon = await TestDaemon.start({ directory });
    const headers = { 'holdfast-agent': 'ada' };
    expect((await daemon.call('PUT /v1/kv/a', { headers, body: 1 })).status).toBe(200);
    expect((await daemon.call('GET /v1/node')).json.agents).toMatchObject([
      { agent: 'ada', state: 'ok', error: null, records: 1 },
      { agent: 'bob', state: 'ok', error: null, records: 0 },
    ]);
  });

  test('is whole after a crash in the middle of that', async () => {
    await using place = await temporaryDirectory();
    const path = place.file('node.db');
    cpSync(fixture, path);
    const broken = nodeMigrations.map((migration, at) =>
      at === 0 ? migration : { ...migration, sql: `${migration.sql}; SELECT no_such_column FROM agents;` },
    );
    const database = openDatabase(path);
    expect(() => migrate(database, broken)).toThrow('migration 2');
    expect(schemaVersion(database)).toBe(1);
    database.close();
    const whole = new NodeDatabase(path);
    expect(whole.marks.all()).toHaveLength(2);
    whole.close();
  });
});
