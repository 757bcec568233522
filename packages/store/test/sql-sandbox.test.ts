import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';

import { type Database, openDatabase } from '@holdfast/sqlite';
import { seededRandom, temporaryDirectory, type TemporaryDirectory, testSeed } from '@holdfast/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { SqlView } from '../src/index.ts';
import { SqlSandbox } from '../src/sql/sandbox.ts';
import { randomStatement } from './sql-grammar.ts';

/** How many statements are tried; `HOLDFAST_SQL_STATEMENTS` for more. */
const STATEMENTS = Number(process.env['HOLDFAST_SQL_STATEMENTS'] ?? 4000);
const MOST_ROWS = 200;
const SECRET = 'view_secret';

const views: readonly SqlView[] = ['notes', 'tokens'].map((name) => ({
  name,
  columns: [
    { name: 'node', type: 'stored', sql: 'a.node' },
    { name: 'id', type: 'stored', sql: 'r.id' },
    { name: 'expires_at', type: 'TEXT', sql: "strftime('%Y', r.expires_at, 'unixepoch')" },
    { name: 'doc', type: 'stored', sql: 'r.doc' },
  ],
  from: `main.records AS r JOIN main.agents AS a ON a.id = r.agent_id
    WHERE r.collection = '${name}' AND r.deleted = 0 AND a.node <> ''`,
}));

/** A database with what the views show, and beside it what they do not: `hidden` of it. */
function makeDatabase(path: string, hidden: number): Database {
  const database = openDatabase(path);
  database.exec(`
    CREATE TABLE agents (id INTEGER PRIMARY KEY, node TEXT NOT NULL) STRICT;
    CREATE TABLE records (position INTEGER PRIMARY KEY, agent_id INTEGER NOT NULL, collection TEXT NOT NULL,
      id TEXT NOT NULL, deleted INTEGER NOT NULL, expires_at INTEGER, hash TEXT NOT NULL, doc TEXT) STRICT;
    CREATE TABLE tokens (id INTEGER PRIMARY KEY, hash TEXT NOT NULL) STRICT;
    CREATE UNIQUE INDEX records_key ON records (collection, id, agent_id);
    INSERT INTO agents VALUES (1, 'htpc'), (2, 'laptop');
    INSERT INTO records VALUES (1, 1, 'notes', 'a', 0, NULL, 'h', '{"n":1}'), (2, 2, 'notes', 'b', 0, 86400, 'h', '[1,2]'),
      (3, 1, 'tokens', 'c', 0, NULL, 'h', '"a record"');`);
  const token = database.prepare('INSERT INTO tokens (hash) VALUES (?)');
  const agent = database.prepare('INSERT INTO agents (node) VALUES (?)');
  const record = database.prepare(
    "INSERT INTO records (agent_id, collection, id, deleted, hash, doc) VALUES (1, ?, ?, ?, 'h', ?)",
  );
  for (let index = 0; index < hidden; index += 1) {
    token.run(`hidden ${hidden} ${index}`.repeat(hidden));
    agent.run(`hidden ${hidden} ${index}`);
    record.run('notes', `gone ${hidden} ${index}`, 1, null);
    record.run('others', `other ${hidden} ${index}`, 0, '"hidden"');
  }
  return database;
}

describe('what statements see of a database', () => {
  let directories: TemporaryDirectory[];
  let databases: Database[];
  let sandboxes: SqlSandbox[];
  beforeAll(async () => {
    directories = [await temporaryDirectory(), await temporaryDirectory()];
    const paths = directories.map((directory) => directory.file('data.db'));
    databases = paths.map((path, index) => makeDatabase(path, index * 3 + 1));
    sandboxes = paths.map((path) => new SqlSandbox({ path, views }, SECRET));
  });
  afterAll(async () => {
    for (const sandbox of sandboxes) sandbox.close();
    for (const database of databases) database.close();
    for (const directory of directories) await directory[Symbol.asyncDispose]();
  });

  it('is the views alone, whatever they ask, and nothing is written', () => {
    const random = seededRandom(testSeed());
    const before = directories.map(contentOf);
    const outcomes = { answered: 0, refused: 0, failed: 0 };
    for (let count = 0; count < STATEMENTS; count += 1) {
      const statement = randomStatement(random);
      // The two differ in nothing but what is hidden: an answer that differs tells something of it.
      const [one, other] = sandboxes.map((sandbox) => outcomeOf(sandbox, statement));
      expect({ statement, outcome: one }).toEqual({ statement, outcome: other });
      outcomes[one?.kind ?? 'failed'] += 1;
    }
    expect(directories.map(contentOf)).toEqual(before);
    // Each kind often enough that it means something.
    expect(Object.entries(outcomes).filter(([, times]) => times < STATEMENTS / 10)).toEqual([]);
  });

  it('would be noticed to differ, were a table to be read', () => {
    const statement = 'SELECT count(*), max(length(hash)) FROM tokens';
    const [one, other] = databases.map((database) => database.prepare(statement).all());
    expect(one).not.toEqual(other);
  });

  it('is all that the views show', () => {
    const [sandbox] = sandboxes;
    const statement = 'SELECT n.node, n.id, n.expires_at, t.doc FROM notes n LEFT JOIN tokens t ON t.node = n.node';
    expect(sandbox && outcomeOf(sandbox, statement)).toEqual({
      kind: 'answered',
      columns: ['node', 'id', 'expires_at', 'doc'],
      rows: [
        ['htpc', 'a', null, '"a record"'],
        ['laptop', 'b', '1970', null],
      ],
    });
  });
});

type Outcome =
  | { readonly kind: 'answered'; readonly columns: readonly string[]; readonly rows: readonly unknown[] }
  | { readonly kind: 'refused' | 'failed'; readonly why: unknown };

function outcomeOf(sandbox: SqlSandbox, statement: string): Outcome {
  try {
    const { columns, rows, valueOf } = sandbox.start(statement);
    const taken: unknown[] = [];
    for (let row = rows.next(); row.done !== true && taken.length < MOST_ROWS; row = rows.next()) {
      taken.push(row.value.map(valueOf));
    }
    rows.return?.();
    return { kind: 'answered', columns, rows: taken };
  } catch (error) {
    const refused = sandbox.takeRefused();
    if (refused !== undefined) return { kind: 'refused', why: refused };
    // Not the message: of many statements in one process Node may lose it, and give what stands in its place.
    return { kind: 'failed', why: error instanceof Error && 'errcode' in error ? error.errcode : error };
  }
}

/** The files in a directory, and what is in them; but for the index of the log, which readers change too. */
function contentOf({ path }: TemporaryDirectory): Readonly<Record<string, string>> {
  const files = readdirSync(path).filter((name) => !name.endsWith('-shm'));
  return Object.fromEntries(
    files.map((name) => [
      name,
      createHash('sha256')
        .update(readFileSync(`${path}/${name}`))
        .digest('hex'),
    ]),
  );
}
