import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { startOfBoot } from '@holdfast/protocol';
import { migrate, openDatabase, schemaVersion } from '@holdfast/sqlite';
import { digestShare, digestText, type RecordRow } from '@holdfast/store';
import { type TemporaryDirectory, temporaryDirectory } from '@holdfast/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { BOOT, cursorAt, INCARNATION, LEASE_MS, makeBatch, makeChange, START_MS } from '../conformance/material.ts';
import { SqliteRelayStore, sqliteRelayMigrations } from '../src/index.ts';
import { defaultConfig } from './relay-fixture.ts';

/** Two nodes; an agent with two streams, tombstones, records that expire, dead letters, one of them a newer `r1`. */
const fixture = fixtureOf(1);

function fixtureOf(schema: number): string {
  return join(import.meta.dirname, 'fixtures', `schema-${schema}`, 'relay.db');
}

type Counted = Pick<RecordRow, 'id' | 'hash' | 'expiresAtMs'> & { readonly node: string };

describe('a database of schema 1', () => {
  let directory: TemporaryDirectory;
  let path: string;
  beforeEach(async () => {
    directory = await temporaryDirectory();
    path = directory.file('relay.db');
    copyFileSync(fixture, path);
  });
  afterEach(() => directory[Symbol.asyncDispose]());

  const counted = (): Counted[] => {
    const database = openDatabase(path);
    try {
      return database
        .prepare(
          `SELECT node, records.id AS id, hash, expires_at AS expiresAtMs
           FROM records JOIN agents ON agents.id = records.agent_id`,
        )
        .all() as Counted[];
    } finally {
      database.close();
    }
  };
  const digestOf = (records: readonly Counted[]): string =>
    digestText(records.reduce((digest, record) => digest ^ digestShare(record), 0n));
  const session = (store: SqliteRelayStore, node: string) =>
    store.openSession({ node, boot: BOOT, predecessors: [], nowMs: START_MS, silentBeforeMs: START_MS - LEASE_MS });

  it('gets the digest its records have, without the one a newer version of which was refused', async () => {
    const before = counted();
    const store = new SqliteRelayStore(path, defaultConfig());
    const htpc = digestOf(before.filter(({ node, id }) => node === 'htpc' && id !== 'r1'));
    const laptop = digestOf(before.filter(({ node }) => node === 'laptop'));
    await expect(session(store, 'htpc')).resolves.toMatchObject([{ digest: htpc }, { digest: htpc }]);
    await expect(session(store, 'laptop')).resolves.toMatchObject([{ agent: 'scout', digest: laptop }]);
    await expect(store.buckets('htpc', 'recruiter')).resolves.toMatchObject({ digest: htpc });
    await store.close();
  });

  it('keeps its epoch, records, cursors, dead letters and tokens, and goes on', async () => {
    const before = counted();
    const store = new SqliteRelayStore(path, defaultConfig());
    expect(store.epoch).toMatch(/^[0-9a-f]{32}$/);
    const streams = await session(store, 'htpc');
    expect(streams.map(({ cursor }) => cursor)).toEqual([cursorAt(62, 301), cursorAt(20, 120)]);
    const { rows } = await store.copyPage('htpc', 'recruiter', {});
    expect(new Set(rows.map(({ hash }) => hash))).toEqual(
      new Set(before.flatMap(({ node, hash }) => (node === 'htpc' ? [hash] : []))),
    );
    await expect(store.deadLetters(10)).resolves.toHaveLength(3);
    await expect(store.findToken('000000000001')).resolves.toMatchObject({ name: 'ada', replaces: false });
    const change = makeChange({ seq: 63, age: 500, doc: { after: true } });
    const place = { incarnation: INCARNATION, base: cursorAt(62, 301) };
    await expect(store.takeBatch(makeBatch([change], place))).resolves.toMatchObject({ applied: 1 });
    await store.close();
  });

  it('is as it was when the migration is cut off, and migrates the next time', async () => {
    const before = counted();
    const broken = sqliteRelayMigrations.map((migration, index) =>
      index === 0
        ? migration
        : {
            ...migration,
            fill: (database: Parameters<NonNullable<typeof migration.fill>>[0]) => {
              migration.fill?.(database);
              throw new Error('cut off');
            },
          },
    );
    const database = openDatabase(path);
    expect(() => migrate(database, broken)).toThrow('cut off');
    expect(schemaVersion(database)).toBe(1);
    expect(database.prepare('SELECT name FROM pragma_table_info(?)').pluck().all('agents')).not.toContain('digest');
    database.close();
    expect(counted()).toEqual(before);
    expect(readFileSync(path)).toEqual(readFileSync(fixture));
    const store = new SqliteRelayStore(path, defaultConfig());
    await expect(session(store, 'htpc')).resolves.toHaveLength(2);
    await store.close();
  });
});

describe('a database of schema 2', () => {
  it('keeps its records, digests and sessions, and learns of the starts of its nodes', async () => {
    await using directory = await temporaryDirectory();
    const path = directory.file('relay.db');
    copyFileSync(fixtureOf(2), path);
    const before = await openAndRead(path, (store) => store.buckets('htpc', 'recruiter'));
    const [successor, superseded] = ['d'.repeat(32), 'a'.repeat(32)];
    const at = { node: 'htpc', nowMs: START_MS, silentBeforeMs: START_MS - LEASE_MS };
    await openAndRead(path, async (store) => {
      await expect(store.starts('htpc')).resolves.toEqual([]);
      const refused = store.openSession({ ...at, boot: superseded, predecessors: [BOOT] });
      await expect(refused).rejects.toMatchObject({ code: 'node-cloned' });
      const streams = await store.openSession({ ...at, boot: successor, predecessors: [BOOT, superseded] });
      expect(streams).toMatchObject([{ digest: before.digest }, { digest: before.digest }]);
      await expect(store.starts('htpc')).resolves.toEqual([
        { start: startOfBoot(superseded), parent: null },
        { start: startOfBoot(BOOT), parent: startOfBoot(superseded) },
        { start: startOfBoot(successor), parent: startOfBoot(BOOT) },
      ]);
    });
  });
});

describe('a database of schema 3', () => {
  it('keeps what it held, and of what waits on its nodes nothing is known yet', async () => {
    await using directory = await temporaryDirectory();
    const path = directory.file('relay.db');
    copyFileSync(fixtureOf(3), path);
    await openAndRead(path, async (store) => {
      await expect(store.nodes()).resolves.toHaveLength(2);
      await expect(store.query({ limit: 1 }, { nowMs: START_MS })).resolves.toHaveProperty('records.length', 1);
      await expect(store.standing({ nodes: ['htpc'] })).resolves.toMatchObject([{ node: 'htpc', waiting: null }]);
    });
  });
});

describe.each([4, 5, 6])('a database of schema %d', (schema) => {
  it('keeps what it held, and finds it by its fields', async () => {
    await using directory = await temporaryDirectory();
    const path = directory.file('relay.db');
    copyFileSync(fixtureOf(schema), path);
    await openAndRead(path, async (store) => {
      await expect(store.nodes()).resolves.toMatchObject([{ node: 'htpc' }]);
      const where = { skills: { hasAll: ['Go'] }, experience_years: { gte: 10 } };
      const found = await store.query({ collection: 'candidates', where, limit: 100 }, { nowMs: START_MS });
      const ids = ['c-10', 'c-12', 'c-14', 'c-16', 'c-18'];
      expect(found).toMatchObject({ records: ids.map((id) => ({ node: 'htpc', id })) });
      const searched = await store.query({ collection: 'messages', search: 'word3', limit: 100 }, { nowMs: START_MS });
      expect(searched).toMatchObject({ records: [{ id: 'm-3' }] });
    });
  });
});

async function openAndRead<Result>(path: string, read: (store: SqliteRelayStore) => Promise<Result>): Promise<Result> {
  const store = new SqliteRelayStore(path, defaultConfig());
  try {
    return await read(store);
  } finally {
    await store.close();
  }
}
