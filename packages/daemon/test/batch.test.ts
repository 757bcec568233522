import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';

import { batchAnswerSchema, batchEndSchema, batchLineSchema, limits } from '@holdfast/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { readReply } from './support/http-call.ts';
import { TestDaemon, type TestReply } from './support/test-daemon.ts';

let daemon: TestDaemon;
let token: string;
let made = 0;

beforeAll(async () => {
  daemon = await TestDaemon.start();
  token = await daemon.agent('ada');
});
afterAll(() => daemon[Symbol.asyncDispose]());

const call = (target: string, body?: unknown, headers: Record<string, string> = {}): Promise<TestReply> =>
  daemon.call(target, { token, headers, ...(body !== undefined && { body }) });
const stream = (lines: readonly string[]): Promise<TestReply> =>
  call('POST /v1/batch', lines.join('\n'), { 'content-type': 'application/x-ndjson' });
const freshCollection = (): string => `c${(made += 1)}`;
const putLine = (collection: string, id: string, doc: unknown = { id }): string =>
  JSON.stringify({ op: 'put', collection, id, doc });
const idsOf = async (collection: string): Promise<string[]> => {
  const { status, json } = await call(`POST /v1/records/${collection}/query`, { limit: 1000 });
  // A collection that nothing was ever written to.
  if (status === 404) return [];
  return (json.records as { id: string }[]).map(({ id }) => id);
};
const countOf = async (collection: string): Promise<number> => {
  const { json } = await call(`POST /v1/records/${collection}/query`, {
    aggregate: { metrics: { n: { count: '*' } } },
  });
  return (json.groups[0]?.n ?? 0) as number;
};

describe('a batch of JSON', () => {
  test('does everything, in order, and says where each went', async () => {
    const collection = freshCollection();
    const { status, json } = await call('POST /v1/batch', [
      { op: 'put', collection, id: 'a', doc: { n: 1 } },
      { op: 'patch', collection, id: 'a', doc: { m: 2 } },
      { op: 'put', collection, id: 'b', doc: {} },
      { op: 'delete', collection, id: 'b' },
      { op: 'put', collection, doc: {} },
    ]);
    expect(status).toBe(200);
    const { results, ack } = batchAnswerSchema.parse(json);
    expect(ack).toBe('local');
    expect(results.map(({ id }) => id).slice(0, 4)).toEqual(['a', 'a', 'b', 'b']);
    expect(results.map(({ seq }) => seq - (results[0]?.seq ?? 0))).toEqual([0, 1, 2, 3, 4]);
    expect((await call(`GET /v1/records/${collection}/a`)).json).toEqual({ n: 1, m: 2 });
    expect(new Set(await idsOf(collection))).toEqual(new Set(['a', results[4]?.id]));
  });

  test.each([
    ['a deletion of what is not there', { op: 'delete', id: 'none' }, 404, 'record-not-found'],
    ['a patch of what is not there', { op: 'patch', id: 'none', doc: {} }, 404, 'record-not-found'],
    [
      'a version that does not match',
      { op: 'put', id: 'a', doc: {}, ifMatch: '0192f0c1a2b3-0001-7f3a9c21' },
      412,
      'precondition-failed',
    ],
    [
      'a record where there must be none',
      { op: 'put', id: 'a', doc: {}, ifNoneMatch: '*' },
      412,
      'precondition-failed',
    ],
    ['a document that is no object', { op: 'put', id: 'x', doc: [] }, 422, 'invalid-request'],
    ['an unsafe document', { op: 'put', id: 'x', doc: { a: '\0' } }, 422, 'unsafe-document'],
    [
      'a document too large',
      { op: 'put', id: 'x', doc: { a: 'x'.repeat(limits.recordBytes) } },
      413,
      'record-too-large',
    ],
    ['no document', { op: 'put', id: 'x' }, 422, 'invalid-request'],
    ['no patch', { op: 'patch', id: 'a' }, 422, 'invalid-request'],
    ['an unknown operation', { op: 'upsert', id: 'x', doc: {} }, 422, 'invalid-request'],
    ['an unknown member', { op: 'put', id: 'x', doc: {}, force: true }, 422, 'invalid-request'],
    ['a bad id', { op: 'put', id: '..', doc: {} }, 422, 'invalid-request'],
    ['a bad time to live', { op: 'put', id: 'x', doc: {}, ttl: 0 }, 422, 'invalid-request'],
  ])('writes nothing at all for %s', async (_what, operation, status, code) => {
    const collection = freshCollection();
    await call(`PUT /v1/records/${collection}/a`, { n: 0 });
    const good = (id: string): unknown => ({ op: 'put', collection, id, doc: { n: 1 } });
    const before = (await call('GET /v1/status')).json;
    const reply = await call('POST /v1/batch', [good('a'), good('b'), { collection, ...operation }, good('c')]);
    expect({ status: reply.status, code: reply.json.code as string }).toEqual({ status, code });
    expect(await idsOf(collection)).toEqual(['a']);
    expect((await call(`GET /v1/records/${collection}/a`)).json).toEqual({ n: 0 });
    const { seq, records, outbox } = (await call('GET /v1/status')).json;
    expect({ seq, records, waiting: outbox.records as number }).toEqual({
      seq: before.seq as number,
      records: before.records as number,
      waiting: before.outbox.records as number,
    });
  });

  test('refuses __proto__ as a member of an operation', async () => {
    const body = '[{"op":"put","collection":"protos","id":"x","doc":{},"__proto__":{"id":"y"}}]';
    const { status } = await call('POST /v1/batch', body);
    expect(status).toBe(422);
    expect(await idsOf('protos')).toEqual([]);
  });

  test.each([
    [[]],
    [{}],
    ['"x"'],
    [null],
    [Array.from({ length: 1001 }, () => ({ op: 'put', collection: 'many', doc: {} }))],
  ])('is an array of 1 to 1,000 operations', async (body) => {
    expect((await call('POST /v1/batch', body)).status).toBe(422);
    expect(await idsOf('many')).toEqual([]);
  });
});

describe('a batch of NDJSON', () => {
  test('keeps and answers the 4,999 lines before a broken one, and says where it stopped', async () => {
    const collection = freshCollection();
    const lines = Array.from({ length: 10_000 }, (_, index) => putLine(collection, `r${index + 1}`));
    lines[4_999] = '{"op":"put","collection":';
    const reply = await stream(lines);
    expect(reply.status).toBe(200);
    expect(reply.headers['content-type']).toBe('application/x-ndjson');
    const end = batchEndSchema.parse(reply.lines.at(-1));
    expect(end).toMatchObject({
      end: true,
      count: 4_999,
      written: 4_999,
      stoppedAt: 5_000,
      error: { code: 'bad-json' },
    });
    const answers = reply.lines.slice(0, -1).map((line) => batchLineSchema.parse(line));
    expect(answers.map(({ line }) => line)).toEqual(Array.from({ length: 4_999 }, (_, index) => index + 1));
    expect(answers.every((answer) => 'id' in answer && answer.id === `r${answer.line}`)).toBe(true);
    expect(await countOf(collection)).toBe(4_999);
  });

  test('answers each line for itself and goes on after one that cannot be written', async () => {
    const collection = freshCollection();
    const { lines } = await stream([
      putLine(collection, 'a'),
      JSON.stringify({ op: 'delete', collection, id: 'none' }),
      '',
      putLine(collection, '..'),
      `{"op":"put","collection":"${collection}","id":"nul","doc":{"a":"\\u0000"}}`,
      `{"op":"put","collection":"${collection}","id":"proto","doc":{"__proto__":1}}`,
      `{"op":"put","collection":"${collection}","id":"deep","doc":${'['.repeat(80)}${']'.repeat(80)}}`,
      `{"op":"put","collection":"${collection}","id":"nothing"}`,
      JSON.stringify({ op: 'put', collection, id: 'a', doc: {}, ifNoneMatch: '*' }),
      '7',
      putLine(collection, 'b'),
    ]);
    expect(
      lines.slice(0, -1).map(({ line, id, error }) => `${line as number} ${(id ?? error.code) as string}`),
    ).toEqual([
      '1 a',
      '2 record-not-found',
      '4 invalid-request',
      '5 unsafe-document',
      '6 unsafe-document',
      '7 unsafe-document',
      '8 invalid-request',
      '9 precondition-failed',
      '10 invalid-request',
      '11 b',
    ]);
    expect(lines.at(-1)).toEqual({ end: true, count: 10, written: 2 });
    expect(await idsOf(collection)).toEqual(['a', 'b']);
  });

  test('ends with a count even when there is nothing in it', async () => {
    for (const body of ['', '\n\n']) {
      const reply = await call('POST /v1/batch', body, { 'content-type': 'application/x-ndjson' });
      expect(reply.lines).toEqual([{ end: true, count: 0, written: 0 }]);
    }
  });

  test('stops at a line that is too long or not UTF-8, and keeps those before it', async () => {
    const collection = freshCollection();
    const long = await stream([
      putLine(collection, 'a'),
      putLine(collection, 'b', { x: 'x'.repeat(limits.lineBytes) }),
    ]);
    expect(long.lines.at(-1)).toMatchObject({ written: 1, stoppedAt: 2, error: { code: 'body-too-large' } });
    const bytes = Buffer.concat([Buffer.from(`${putLine(collection, 'c')}\n`), Buffer.from([0xff, 0x0a])]);
    const bad = await call('POST /v1/batch', bytes, { 'content-type': 'application/x-ndjson' });
    expect(bad.lines.at(-1)).toMatchObject({ written: 1, stoppedAt: 2, error: { code: 'bad-utf8' } });
    expect(await idsOf(collection)).toEqual(['a', 'c']);
  });

  test('answers lines while the body is still coming, and keeps them when the sender goes away', async () => {
    const collection = freshCollection();
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' };
    const outgoing = request(`${daemon.url}/v1/batch`, { method: 'POST', headers });
    outgoing.write(`${putLine(collection, 'a')}\n`);
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    const [piece] = (await once(answer, 'data')) as [Buffer];
    expect(JSON.parse(piece.toString())).toMatchObject({ line: 1, id: 'a' });
    outgoing.on('error', () => undefined);
    outgoing.write(putLine(collection, 'half').slice(0, 20));
    outgoing.destroy();
    expect(await idsOf(collection)).toEqual(['a']);
  });

  test('does not take what it could not honour: an idempotency key', async () => {
    const headers = { 'content-type': 'application/x-ndjson', 'idempotency-key': 'k' };
    const reply = await call('POST /v1/batch', putLine('never', 'a'), headers);
    expect({ status: reply.status, code: reply.json.code as string }).toEqual({ status: 422, code: 'invalid-request' });
    expect(await idsOf('never')).toEqual([]);
  });

  test('two streams and many single writes side by side all arrive', async () => {
    const collection = freshCollection();
    const part = (name: string): string[] =>
      Array.from({ length: 1500 }, (_, index) => putLine(collection, `${name}${index}`));
    const singles = Array.from({ length: 50 }, (_, index) => call(`PUT /v1/records/${collection}/s${index}`, {}));
    const [one, two] = await Promise.all([stream(part('x')), stream(part('y')), ...singles]);
    expect([one, two].map((reply) => reply?.lines.at(-1) as unknown)).toEqual([
      { end: true, count: 1500, written: 1500 },
      { end: true, count: 1500, written: 1500 },
    ]);
    expect(await countOf(collection)).toBe(3050);
  });
});

test('a body sent slowly is waited for', async () => {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const outgoing = request(`${daemon.url}/v1/kv/slow`, { method: 'PUT', headers });
  outgoing.write('[1,');
  await call('PUT /v1/kv/other', 1);
  outgoing.end('2]');
  expect((await readReply(outgoing)).status).toBe(200);
  expect((await call('GET /v1/kv/slow')).json).toEqual([1, 2]);
});
