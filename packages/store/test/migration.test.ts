import { fork } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readFileSync, rmSync } from 'node:fs';

import { type Change, ZERO_VERSION } from '@holdfast/protocol';
import { type Database, migrate, migrateDown, openDatabase, openMigrated, schemaVersion } from '@holdfast/sqlite';
import { agentMigrations, checkFile } from '@holdfast/store';
import { temporaryDirectory, type TemporaryDirectory } from '@holdfast/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { put, TestAgent } from './fixture.ts';

const FIXTURE = fixture(1);

let directory: TemporaryDirectory;
let path: string;

beforeEach(async () => {
  directory = await temporaryDirectory();
  path = directory.file('agent.db');
  copyFileSync(FIXTURE, path);
});
afterEach(() => directory[Symbol.asyncDispose]());

interface Contents {
  readonly records: readonly { readonly id: string; readonly collection: string; readonly seq: number }[];
  readonly letters: readonly unknown[];
  readonly stream: Readonly<Record<string, unknown>>;
}

/** All that schema 1 knows of, as it stands in a file. */
function contentsOf(file: string): Contents {
  const database = openDatabase(file);
  try {
    const columns = 'seq, resource, collection, id, version, created_at, updated_at, expires_at, deleted, hash, doc';
    return {
      records: database.prepare(`SELECT ${columns} FROM records ORDER BY seq`).all() as Contents['records'],
      letters: database
        .prepare(
          'SELECT id, seq, resource, collection, record, version, code, reason, rejected_at FROM dead_letters ORDER BY id',
        )
        .all(),
      stream: database
        .prepare('SELECT incarnation, last_seq, last_version, acked_seq, acked_version, acked_at, outbox FROM stream')
        .get() as Contents['stream'],
    };
  } finally {
    database.close();
  }
}

function rejectedIds(file: string): unknown {
  const database = openDatabase(file);
  const ids = database.prepare('SELECT id FROM records WHERE rejected = 1 ORDER BY id').pluck().all();
  database.close();
  return ids;
}

describe('a file of schema 1', () => {
  test('is brought up to date with the right digest, and everything in it stays as it was', () => {
    const before = contentsOf(path);
    expect(before.records.length).toBeGreaterThan(180);
    using agent = new TestAgent(path);
    agent.expectTrueCounters();
    expect(agent.store.counters.digest).not.toBe(0n);
    expect(contentsOf(path)).toEqual(before);
    expect(agent.read('notes', 'n-33')).toEqual({ n: 33, waiting: true });
    expect(agent.read('kv', 'u-7', 'app:user_1')).toEqual([7, 1e300, null]);
  });

  test('holds as rejected what has a dead letter as it stands, and nothing that changed since or waits', () => {
    using agent = new TestAgent(path);
    expect(agent.store.outbox.deadLetters()).toHaveLength(5);
    expect(rejectedIds(path)).toEqual(['poison-2', 'poison-3']);
  });

  test('sends what waited and nothing else', async () => {
    const { records, stream } = contentsOf(path);
    using agent = new TestAgent(path);
    const batch = agent.store.outbox.next({ changes: 1000, bytes: 1e9 });
    const sent = batch?.lines.map((line) => (JSON.parse(line) as Change).seq);
    expect(sent).toEqual(records.map(({ seq }) => seq).filter((seq) => seq > Number(stream['acked_seq'])));
    expect(batch?.digest).toMatch(/^[0-9a-f]{16}$/);
    await agent.write(put('notes', 'after', {}));
    agent.expectTrueCounters();
  });

  test('is whole in schema 1 when bringing it up to date fails in the middle', () => {
    const before = contentsOf(path);
    const database = openDatabase(path);
    const failing = agentMigrations.map((migration, index) => ({
      ...migration,
      fill: () => {
        if (index === 1) throw new Error('the lights went out');
      },
    }));
    expect(() => migrate(database, failing)).toThrow('the lights went out');
    expect(schemaVersion(database)).toBe(1);
    database.close();
    expect(contentsOf(path)).toEqual(before);
    using agent = new TestAgent(path);
    agent.expectTrueCounters();
  });

  test('is whole in schema 1 when the process is killed in the middle of it', async () => {
    const before = contentsOf(path);
    const bytes = readFileSync(path);
    const child = fork(new URL('migration-process.ts', import.meta.url), [path], { silent: true });
    await once(child, 'message');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(readFileSync(path)).toEqual(bytes);
    const database = openDatabase(path);
    expect(schemaVersion(database)).toBe(1);
    database.close();
    expect(contentsOf(path)).toEqual(before);
    using agent = new TestAgent(path);
    agent.expectTrueCounters();
  });
});

describe('a file of schema 2', () => {
  beforeEach(() => copyFileSync(fixture(2), path));

  test('is brought up to date and sealed as it stands', async () => {
    const before = contentsOf(path);
    using agent = new TestAgent(path);
    expect(agent.store.isCountedAnew).toBe(false);
    expect(contentsOf(path)).toEqual(before);
    agent.expectTrueCounters();
    expect(agent.store.outbox.deadLetters()).toHaveLength(5);
    const idempotency = { key: 'request-1', fingerprint: 'f'.repeat(32) };
    const request = { resource: '', operations: [put('notes', 'once', { once: true })], idempotency };
    expect(await agent.store.write(request)).toEqual([
      expect.objectContaining({ id: 'once', seq: before.stream['last_seq'] }),
    ]);
    expect(await checkFile(path, 'agent')).toMatchObject({ state: 'sound', problems: [] });
  });

  test('reads as damaged nowhere before that', async () => {
    expect(await checkFile(path, 'agent')).toMatchObject({ state: 'sound', problems: [] });
  });
});

describe('a step back', () => {
  beforeEach(() => copyFileSync(fixture(2), path));

  test('keeps all the older schema knows of, and forward again everything is as it was', async () => {
    const before = contentsOf(path);
    const database = openMigrated(path, agentMigrations);
    while (schemaVersion(database) > 1) migrateDown(database, agentMigrations);
    database.close();
    expect(contentsOf(path)).toEqual(before);
    using agent = new TestAgent(path);
    agent.expectTrueCounters();
    expect(contentsOf(path)).toEqual(before);
    expect(await checkFile(path, 'agent')).toMatchObject({ state: 'sound', problems: [] });
  });

  test('that is killed in the middle leaves the newer schema whole', async () => {
    openMigrated(path, agentMigrations).close();
    const before = contentsOf(path);
    const child = fork(new URL('migrate-down-process.ts', import.meta.url), [path], { silent: true });
    await once(child, 'message');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await checkFile(path, 'agent')).toMatchObject({ state: 'sound', problems: [] });
    const database = openDatabase(path);
    expect(schemaVersion(database)).toBe(agentMigrations.length);
    migrateDown(database, agentMigrations);
    expect(schemaVersion(database)).toBe(agentMigrations.length - 1);
    database.close();
    expect(contentsOf(path)).toEqual(before);
  });

  test('is not taken by a file of a newer version', () => {
    const database = openDatabase(path);
    database.pragma('user_version = 99');
    expect(() => migrateDown(database, agentMigrations)).toThrow('this version knows up to');
    expect(schemaVersion(database)).toBe(99);
    database.close();
  });
});

function fixture(schema: number): URL {
  return new URL(`fixtures/schema-${schema}/agent.db`, import.meta.url);
}

describe.each([3, 4, 5, 7])('a file of schema %d', (schema) => {
  test('is brought up to date, holds what it held, and is found by its fields', async () => {
    copyFileSync(fixture(schema), path);
    const before = contentsOf(path);
    expect(before.records.length).toBeGreaterThan(25);
    using agent = new TestAgent(path);
    agent.expectTrueCounters();
    expect(contentsOf(path)).toEqual(before);
    const where = { skills: { hasAll: ['Go'] }, experience_years: { gte: 10 } };
    const ids = ['c-10', 'c-12', 'c-14', 'c-16', 'c-18'];
    expect(agent.store.query('', 'candidates', { where })).toMatchObject({ records: ids.map((id) => ({ id })) });
    const found = agent.store.query('', 'messages', { search: 'word3' });
    expect(found).toMatchObject({ records: [{ id: 'm-3' }] });
    await agent.write(put('candidates', 'new', { skills: ['Go'], experience_years: 30 }));
    expect(agent.store.query('', 'candidates', { where })).toHaveProperty('records.length', 6);
    agent.store.close();
    expect(await checkFile(path, 'agent')).toMatchObject({ state: 'sound', problems: [] });
    agent.reopen();
  });
});

test('a file whose members of lists stand in a table of the kind before is opened with what they are found by now', async () => {
  migrateBy(4, path, (database) => {
    database.exec(`CREATE TABLE members (
      field INTEGER NOT NULL, value ANY NOT NULL, record INTEGER NOT NULL, PRIMARY KEY (field, value, record)
    ) STRICT, WITHOUT ROWID`);
    database.exec(`INSERT INTO member_fields (collection, path) VALUES ('tasks', '$."dependencies"')`);
  });
  using agent = new TestAgent(path);
  await agent.write(put('tasks', 'b', { type: 'x', dependencies: ['a'] }));
  const where = { dependencies: { hasAny: ['a'] } };
  expect(agent.store.query('', 'tasks', { where })).toMatchObject({ records: [{ id: 'b' }] });
});

test('a file of schema 7 goes on with the feed where it stands, and puts what comes below all that came', () => {
  rmSync(path);
  migrateBy(7, path, (database) => {
    database.exec(
      `INSERT INTO feed (id, cursor, cursor_before, is_starting_over, seal) VALUES (1, 'e.7', NULL, 0, 'old')`,
    );
    const columns = 'seq, resource, collection, id, version, created_at, updated_at, expires_at, deleted, hash, doc';
    const record = `INSERT INTO records (${columns}) VALUES (?, '', 'context', ?, ?, 1, 1, NULL, 0, 'h', '1')`;
    for (const seq of [-3, -1]) database.prepare(record).run(seq, `k${seq}`, ZERO_VERSION);
  });
  using agent = new TestAgent(path);
  const { standing } = agent.store.feed.intake;
  expect(standing).toEqual({ cursor: 'e.7', cursorBefore: null, isStartingOver: false, lowestSeq: -3 });
});

/** Brings a file to a schema and does something to it. */
function migrateBy(schema: number, file: string, change: (database: Database) => void): void {
  const database = openDatabase(file);
  migrate(database, agentMigrations.slice(0, schema));
  change(database);
  database.close();
}
