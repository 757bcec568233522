import { relayRoutes, type SqlAnswer } from '@holdfast/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { makeChange, START_MS } from '../conformance/material.ts';
import { codeOf, type Reply, TestRelay } from './relay-fixture.ts';

/** All columns, in what an operator writes. */
const ALL = '*';
/** The columns that every view has. */
const COMMON = 'node, agent, resource, id, version, created_at, updated_at, expires_at, doc';

describe('a statement in SQL', () => {
  let relay: TestRelay;
  let operator: string;
  beforeAll(async () => {
    relay = await new TestRelay({ 'query.seconds': 5, 'query.streamRecords': 20_000 }).start();
    operator = await relay.token('operator');
    const htpc = await relay.node('htpc');
    const laptop = await relay.node('laptop');
    await htpc.batch({
      lines: [
        makeChange({ seq: 1, collection: 'messages', id: 'm1', doc: { role: 'user', n: 1 } }).line,
        makeChange({ seq: 2, collection: 'messages', id: 'm2', doc: { role: 'tool', n: 2 }, resource: 'app:1' }).line,
        makeChange({ seq: 3, collection: 'agents', id: 'a1', doc: { name: 'not of the table' } }).line,
        makeChange({ seq: 4, collection: 'tokens', id: 't1', doc: 'a record' }).line,
        makeChange({ seq: 5, collection: 'sqlite_notes', id: 's1', doc: 1 }).line,
      ],
    });
    await laptop.batch({
      lines: [
        makeChange({ seq: 1, collection: 'messages', id: 'm1', doc: { role: 'user', n: 3 }, expiresAtMs: START_MS + 1 })
          .line,
        makeChange({ seq: 2, collection: 'messages', id: 'old', doc: {}, expiresAtMs: START_MS }).line,
        makeChange({ seq: 3, collection: 'messages', id: 'gone' }).line,
      ],
    });
  });
  afterAll(() => relay[Symbol.asyncDispose]());

  const ask = (sql: string, { token = operator, headers = {} } = {}): Promise<Reply> =>
    relay.call('POST', '/relay/query', { token, body: { sql }, headers });
  const rowsOf = async (sql: string): Promise<SqlAnswer['rows']> => {
    const answer = relayRoutes.query.answer.schema.parse((await ask(sql)).json);
    if (!('rows' in answer)) throw new Error('the answer has no rows');
    return answer.rows;
  };

  it('sees the live records of a collection, whose they are, and their own fields', async () => {
    const { json } = await ask(`SELECT ${COMMON} FROM messages ORDER BY node, id`);
    expect(json).toEqual({
      columns: ['node', 'agent', 'resource', 'id', 'version', 'created_at', 'updated_at', 'expires_at', 'doc'],
      rows: [
        ['htpc', 'recruiter', '', 'm1', expect.any(String), at(1001), at(1001), null, '{"role":"user","n":1}'],
        ['htpc', 'recruiter', 'app:1', 'm2', expect.any(String), at(1002), at(1002), null, '{"role":"tool","n":2}'],
        ['laptop', 'recruiter', '', 'm1', expect.any(String), at(1001), at(1001), at(START_MS + 1), expect.any(String)],
      ],
      truncated: false,
    });
  });

  it('joins, groups, computes and goes through lists', async () => {
    const counted = `SELECT doc ->> '$.role' AS role, count(*), sum(doc ->> '$.n'), holdfast_p50(doc ->> '$.n')
      FROM messages GROUP BY role ORDER BY role -- by role`;
    await expect(rowsOf(counted)).resolves.toEqual([
      ['tool', 1, 2, 2],
      ['user', 2, 4, 1],
    ]);
    await expect(rowsOf(`SELECT key, value FROM json_each('[1, "a"]');`)).resolves.toEqual([
      [0, 1],
      [1, 'a'],
    ]);
    const counting = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4) SELECT max(i) FROM n';
    await expect(rowsOf(counting)).resolves.toEqual([[4]]);
    const large = `SELECT 9007199254740993, x'00ff', 1.5, CAST(NULL AS TEXT)`;
    await expect(rowsOf(large)).resolves.toEqual([['9007199254740993', '00ff', 1.5, null]]);
  });

  it('sees a collection, and not the table, where both have one name', async () => {
    await expect(rowsOf('SELECT id, doc FROM tokens')).resolves.toEqual([['t1', '"a record"']]);
    await expect(rowsOf('SELECT id FROM agents')).resolves.toEqual([['a1']]);
  });

  it.each([
    'SELECT hash FROM main.tokens',
    'SELECT count(*) FROM main.tokens',
    `SELECT ${ALL} FROM nodes`,
    `SELECT ${ALL} FROM records`,
    `WITH messages AS (SELECT hash FROM main.tokens) SELECT ${ALL} FROM messages`,
    `WITH tokens AS (SELECT hash FROM main.tokens) SELECT ${ALL} FROM tokens`,
    'SELECT (SELECT hash FROM main.tokens) FROM messages',
    `SELECT ${ALL} FROM sqlite_schema`,
    `SELECT ${ALL} FROM temp.sqlite_schema`,
    `SELECT ${ALL} FROM pragma_table_info('tokens')`,
    'PRAGMA user_version',
    `ATTACH ':memory:' AS other`,
    'DELETE FROM main.tokens',
    'CREATE TEMP TABLE mine (a)',
    'BEGIN',
    'ANALYZE',
    `SELECT load_extension('x')`,
    'SELECT randomblob(10)',
    'SELECT sqlite_version()',
  ])('may not: %s', async (sql) => {
    const reply = await ask(sql);
    expect([reply.status, codeOf(reply)]).toEqual([403, 'sql-forbidden']);
    expect(reply.json).toMatchObject({ readable: ['agents', 'messages', 'tokens'] });
  });

  it.each([
    ['SELEC 1', 'near "SELEC": syntax error'],
    ['SELECT missing FROM messages', 'no such column: missing'],
    ['SELECT 1; SELECT 2', 'there is more than one statement'],
    ['-- nothing', 'The SQL query contains no statements.'],
    [`SELECT json_extract(doc, doc) FROM messages`, 'it failed while it ran, on a value it met'],
    [`SELECT json('{')`, 'malformed JSON'],
    ['SELECT ?', expect.stringContaining('variable')],
  ])('is told what is wrong with it, and no data: %s', async (sql, message) => {
    const reply = await ask(sql);
    expect(codeOf(reply)).toBe('invalid-request');
    expect(reply.json).toMatchObject({ issues: [{ path: 'sql', message }] });
  });

  it('is for operators and admins, and stands alone', async () => {
    const viewer = await relay.token('viewer');
    expect(codeOf(await ask('SELECT 1', { token: viewer }))).toBe('forbidden');
    expect((await ask('SELECT 1', { token: relay.adminToken })).status).toBe(200);
    const both = await relay.call('POST', '/relay/query', { token: operator, body: { sql: 'SELECT 1', limit: 1 } });
    expect(codeOf(both)).toBe('invalid-request');
  });

  it('is ended when its time is over', async () => {
    const endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n';
    expect(codeOf(await ask(endless))).toBe('query-timeout');
  });

  it('gives as many rows as an answer has, and says that there were more', async () => {
    const many = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 30000) SELECT i FROM n';
    const { json } = await ask(many);
    expect(json).toMatchObject({ rows: { length: 10_000 }, truncated: true });
    const { text } = await ask(many, { headers: { accept: 'application/x-ndjson' } });
    const lines = text.trimEnd().split('\n');
    expect([lines[0], lines[1], lines.at(-2)]).toEqual(['{"columns":["i"]}', '[1]', '[20000]']);
    expect(JSON.parse(lines.at(-1) ?? '')).toEqual({ end: true, count: 20_001, truncated: true });
  });
});

function at(ms: number): string {
  return new Date(ms).toISOString();
}
