import { createServer, type Server } from 'node:http';
import { text } from 'node:stream/consumers';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { runHoldfast } from './run-holdfast.ts';

const times = { created_at: '2026-11-20T10:00:00.000Z', updated_at: '2026-11-20T10:00:00.000Z' };
const record = (id: string, doc: unknown): object => ({ collection: 'notes', id, version: 'v', ...times, doc });
const ada = record('a', { name: 'Ada "the first"', tags: ['x', 'y'], id: 7, note: 'two\nlines' });
const bob = record('b', { name: 'Bob', active: false, note: null });

describe('an answer of many', () => {
  let server: Server;
  let url: string;
  let body: string;
  let seen: string[];
  beforeEach(async () => {
    seen = [];
    server = createServer((request, response) => {
      void text(request).then((sent) => {
        seen.push(`${request.headers.accept} ${sent}`);
        response.writeHead(200, { 'content-type': 'application/x-ndjson' }).end(body);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    url = typeof address === 'object' ? `http://127.0.0.1:${address?.port}` : '';
  });
  afterEach(
    () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );

  const answerWith = (...lines: readonly unknown[]): void => {
    body = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  };
  const run = (...args: readonly string[]) =>
    runHoldfast([...args, '--url', url], { environment: { HOLDFAST_TOKEN: 't1', HOLDFAST_RELAY_TOKEN: 't2' } });

  test('is printed record by record as ndjson', async () => {
    answerWith(ada, bob, { end: true, count: 2, next: null });
    const { exitCode, stdout } = await run('query', 'notes where name != x', '--format', 'ndjson');
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: `${JSON.stringify(ada)}\n${JSON.stringify(bob)}\n` });
    expect(seen).toEqual(['application/x-ndjson {"where":{"name":{"ne":"x"}}}']);
  });

  test('is CSV (RFC 4180) with the id and the fields of the first record', async () => {
    answerWith(ada, bob, { end: true, count: 2, next: null });
    const { stdout } = await run('query', 'notes', '--format', 'csv');
    expect(stdout.split('\r\n')).toEqual([
      'id,name,tags,doc.id,note',
      'a,"Ada ""the first""","[""x"",""y""]",7,"two\nlines"',
      'b,Bob,,,',
      '',
    ]);
  });

  test('is CSV with the fields selected', async () => {
    answerWith(record('a', { address: { city: 'Paris' }, active: true }), { end: true, count: 1, next: null });
    const selected = ['--select', 'address.city', '--select', 'active', '--select', 'toString'];
    const { stdout } = await run('query', 'notes', ...selected, '--format', 'csv');
    expect(stdout).toBe('address.city,active,toString\r\nParis,true,\r\n');
  });

  test('of the network says whose each record is', async () => {
    answerWith({ ...record('a', 5), node: 'ws', agent: 'scout' }, { end: true, count: 1, next: null });
    const { stdout } = await run('query', 'notes', '--network', '--format', 'csv');
    expect(stdout).toBe('node,agent,collection,id,doc\r\nws,scout,notes,a,5\r\n');
  });

  test.each(['ndjson', 'csv'])('that was cut is a failure after what came, as %s', async (format) => {
    answerWith(ada);
    const { exitCode, stdout, stderr } = await run('query', 'notes', '--format', format);
    expect(exitCode).toBe(1);
    expect(stdout).toContain('Ada');
    expect(stderr).toContain('cut');
  });

  test('is not asked for in two formats at once', async () => {
    const { exitCode, stderr } = await run('query', 'notes', '--json', '--format', 'csv');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('contradicts');
    expect(seen).toEqual([]);
  });

  test('groups are rows too', async () => {
    answerWith({
      groups: [
        { role: 'user', count: 2 },
        { role: null, count: 1 },
      ],
    });
    const { stdout } = await run('query', 'notes', '--group-by', 'role', '--format', 'csv');
    expect(stdout).toBe('role,count\r\nuser,2\r\n,1\r\n');
  });

  test('a statement in SQL is a table, JSON, lines by column, or CSV', async () => {
    const answer = {
      columns: ['node', 'n'],
      rows: [
        ['ws', 2],
        [null, 10],
      ],
      truncated: false,
    };
    answerWith(answer);
    const statement = 'SELECT node, n FROM x';
    expect((await run('sql', statement)).stdout).toBe('NODE   N\nws     2\nnull  10\n');
    expect(JSON.parse((await run('sql', statement, '--format', 'json')).stdout)).toEqual(answer);
    answerWith({ columns: ['node', 'n'] }, ['ws', 2], [null, 10], { end: true, count: 3, truncated: true });
    const lines = await run('sql', statement, '--format', 'ndjson');
    expect(lines.stdout).toBe('{"node":"ws","n":2}\n{"node":null,"n":10}\n');
    expect(lines.stderr).toContain('more rows');
    expect((await run('sql', statement, '--format', 'csv')).stdout).toBe('node,n\r\nws,2\r\n,10\r\n');
    expect(seen.map((call) => call.split(' ')[0])).toEqual([
      'application/json',
      'application/json',
      'application/x-ndjson',
      'application/x-ndjson',
    ]);
  });
});
