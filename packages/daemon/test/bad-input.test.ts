import { once } from 'node:events';
import { connect } from 'node:net';
import { gzipSync, zstdCompressSync } from 'node:zlib';

import { limits } from '@holdfast/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { TestDaemon, type TestReply } from './support/test-daemon.ts';

const MIB = 1024 * 1024;

let daemon: TestDaemon;
let token: string;

beforeAll(async () => {
  daemon = await TestDaemon.start();
  token = await daemon.agent('ada');
});
afterAll(() => daemon[Symbol.asyncDispose]());

type Headers = Record<string, string | undefined>;
const call = (target: string, body?: unknown, headers: Headers = {}): Promise<TestReply> =>
  daemon.call(target, { token, headers, ...(body !== undefined && { body }) });
const outcome = ({ status, json }: TestReply): unknown => ({ status, code: json?.code as unknown });

/** Sends a body to everything that takes one document, and expects the same answer everywhere and nothing written. */
async function expectRefused(
  body: string | Buffer,
  status: number,
  code: string,
  headers: Headers = {},
): Promise<void> {
  for (const target of [
    'PUT /v1/records/notes/bad',
    'PATCH /v1/records/notes/kept',
    'POST /v1/records/notes',
    'PUT /v1/kv/bad',
  ]) {
    expect({ target, ...(outcome(await call(target, body, headers)) as object) }).toEqual({ target, status, code });
  }
  const { json } = await call('POST /v1/records/notes/query', {});
  expect((json.records as { doc: unknown }[]).map(({ doc }) => doc)).toEqual([{ kept: true }]);
  expect((await call('GET /v1/kv')).json.entries).toEqual([]);
}

beforeAll(async () => {
  await call('PUT /v1/records/notes/kept', { kept: true });
});

const nested = (depth: number): string => '{"a":'.repeat(depth - 1) + '{}' + '}'.repeat(depth - 1);

describe('a document that cannot be kept exactly is refused whole', () => {
  test.each([
    ['65 levels', nested(65)],
    ['100,000 levels', '['.repeat(100_000)],
    ['a NUL', '{"a":"x\\u0000y"}'],
    ['a NUL in a key', '{"a\\u0000":1}'],
    ['a lone high surrogate', '{"a":"\\ud800"}'],
    ['a lone low surrogate', '{"a":"\\udc00x"}'],
    ['a lone surrogate in a key', '{"\\ud800":1}'],
    ['__proto__', '{"__proto__":{"admin":true}}'],
    ['__proto__, deep', '{"a":[{"b":{"__proto__":null}}]}'],
    ['__proto__, escaped', '{"\\u005f_proto__":1}'],
    ['an integer that would change', '{"a":9007199254740993}'],
    ['a number beyond any double', '{"a":1e999}'],
    ['too many values', `{"a":[${'0,'.repeat(100_000)}0]}`],
  ])('%s', async (_what, text) => {
    await expectRefused(text, 422, 'unsafe-document');
  });

  test('64 levels are kept, and so is text that only looks dangerous', async () => {
    for (const text of [
      nested(64),
      '{"a":"\\\\u0000 [[[ {{{ __proto__"}',
      '{"constructor":{"prototype":1}}',
      '{"a":"😀"}',
    ]) {
      expect((await call('PUT /v1/records/fine/one', text)).status).toBe(200);
      expect((await call('GET /v1/records/fine/one')).json).toEqual(JSON.parse(text));
    }
  });

  test('the limit of a record is in bytes: at it, and one over', async () => {
    const fits = JSON.stringify('é'.repeat((limits.recordBytes - 2) / 2));
    expect((await call('PUT /v1/kv/large', fits)).status).toBe(200);
    expect((await call('GET /v1/kv/large')).text).toBe(fits);
    await call('DELETE /v1/kv/large');
    await expectRefused(JSON.stringify({ a: 'x'.repeat(limits.recordBytes) }), 413, 'record-too-large');
  });
});

describe('a body that is not what it says is refused', () => {
  test.each([
    ['nothing', ''],
    ['half an object', '{"a":'],
    ['two texts', '{} {}'],
    ['a comment', '{} // x'],
    ['single quotes', "{'a':1}"],
    ['NaN', '{"a":NaN}'],
    ['a byte order mark', '\ufeff{}'],
  ])('%s is not JSON', async (_what, text) => {
    await expectRefused(text, 400, 'bad-json');
  });

  test('bytes that are not UTF-8', async () => {
    for (const bytes of [
      [0x22, 0xff, 0x22],
      [0x22, 0xc0, 0x80, 0x22],
      [0x22, 0xed, 0xa0, 0x80, 0x22],
    ]) {
      await expectRefused(Buffer.from(bytes), 400, 'bad-utf8');
    }
  });

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    '',
    'application/json; charset=latin1',
  ])('the content type "%s"', async (type) => {
    await expectRefused('{}', 415, 'unsupported-media-type', { 'content-type': type });
  });

  test.each(['br', 'deflate', 'gzip, gzip', 'zstd, gzip', 'x'])('the encoding "%s"', async (encoding) => {
    await expectRefused('{}', 415, 'unsupported-encoding', { 'content-encoding': encoding });
  });

  test('gzip and zstd that are none, cut, or followed by more', async () => {
    const text = JSON.stringify({ a: 'x'.repeat(1000) });
    for (const [encoding, bytes] of [
      ['gzip', gzipSync(text)],
      ['zstd', zstdCompressSync(text)],
    ] as const) {
      const headers = { 'content-encoding': encoding };
      await expectRefused(text, 400, 'bad-encoding', headers);
      await expectRefused(bytes.subarray(0, -5), 400, 'bad-encoding', headers);
      await expectRefused(Buffer.concat([bytes, Buffer.from('x')]), 400, 'bad-encoding', headers);
      expect((await call('PUT /v1/records/fine/one', bytes, headers)).status).toBe(200);
    }
  });

  test('17 MB, with its length told and without', async () => {
    const body = Buffer.alloc(17 * MIB, 0x20);
    await expectRefused(body, 413, 'body-too-large');
    await expectRefused(body, 413, 'body-too-large', { 'transfer-encoding': 'chunked' });
  });

  test.each(['gzip', 'zstd'] as const)('a %s bomb', async (encoding) => {
    const compress = encoding === 'gzip' ? gzipSync : zstdCompressSync;
    const bomb = compress(Buffer.alloc(300 * MIB, 0x20));
    expect(bomb.length).toBeLessThan(MIB);
    const headers = { 'content-encoding': encoding };
    await expectRefused(bomb, 413, 'body-too-large', headers);
    expect(outcome(await call('POST /v1/batch', bomb, headers))).toEqual({ status: 413, code: 'body-too-large' });
    const stream = await call('POST /v1/batch', bomb, { ...headers, 'content-type': 'application/x-ndjson' });
    expect(stream.lines).toMatchObject([{ end: true, written: 0, error: { code: 'body-too-large' } }]);
  });
});

describe('names and ids that are not allowed are refused', () => {
  const ids = [
    '..',
    '.',
    '%2e',
    '%2e%2e',
    '%2E.',
    '%00',
    'a%00',
    '%1f',
    '%7f',
    '%0a',
    '%ff',
    '%c0%80',
    '%',
    '%zz',
    '%ed%a0%80',
  ];

  test.each([...ids, 'a'.repeat(256), '%F0%9F%98%80'.repeat(128)])('the record id "%s"', async (id) => {
    for (const [target, body] of [
      [`PUT /v1/records/notes/${id}`, {}],
      [`GET /v1/records/notes/${id}`],
      [`DELETE /v1/records/notes/${id}`],
      [`PUT /v1/kv/${id}`, 1],
    ] as const) {
      expect(outcome(await call(target, body))).toEqual({ status: 422, code: 'invalid-request' });
    }
  });

  test.each(['Notes', '1notes', 'no-tes', 'no.tes', '%2e%2e', '..', 'a'.repeat(64), 'a"b', "a'b", 'é'])(
    'the collection "%s"',
    async (name) => {
      const path = `/v1/records/${encodeURI(name)}`;
      expect(outcome(await call(`PUT ${path}/x`, {}))).toEqual({ status: 422, code: 'invalid-request' });
      expect(outcome(await call(`POST ${path}/query`, {}))).toEqual({ status: 422, code: 'invalid-request' });
    },
  );

  test.each([
    '..',
    '.',
    '%2e',
    '',
    'a b',
    'A',
    'a/b',
    '-a',
    'a'.repeat(64),
    'a'.repeat(300),
    7,
    null,
    ['a'],
    'é',
    'a\u0000',
  ])('the agent %j', async (name) => {
    expect(outcome(await daemon.call('POST /v1/agents', { body: { name } }))).toEqual({
      status: 422,
      code: 'invalid-request',
    });
    expect((await daemon.call('GET /v1/agents')).json.agents).toHaveLength(1);
  });

  test.each(['..', '%2e%2e', '%2e', 'a%2fb', 'a'.repeat(300)])('the agent "%s" in a path', async (name) => {
    const made = await daemon.call(`POST /v1/agents/${name}/tokens`, { body: {} });
    expect(outcome(made)).toEqual({ status: 422, code: 'invalid-request' });
    const dropped = await daemon.call(`DELETE /v1/dead-letters/${name}/1`);
    expect(outcome(dropped)).toEqual({ status: 422, code: 'invalid-request' });
  });

  test.each(['..', '/', 'a b', '.a', 'a'.repeat(129), 'ä'])('the resource "%s"', async (resource) => {
    const headers = { 'holdfast-resource': Buffer.from(resource).toString('latin1') };
    expect(outcome(await call('GET /v1/kv', undefined, headers))).toEqual({ status: 422, code: 'invalid-request' });
  });

  test('a path with more or fewer parts, or another method, is no route', async () => {
    expect(outcome(await call('GET /v1/records/notes/a/b'))).toEqual({ status: 404, code: 'route-not-found' });
    expect(outcome(await call('GET /v1/../v1/kv'))).toEqual({ status: 404, code: 'route-not-found' });
    expect(outcome(await call('GET //v1/kv'))).toEqual({ status: 404, code: 'route-not-found' });
    expect(outcome(await call('DELETE /v1/kv'))).toEqual({ status: 405, code: 'method-not-allowed' });
  });

  test('a request target with raw bytes beyond ASCII', async () => {
    const socket = connect(Number(new URL(daemon.url).port), '127.0.0.1');
    const host = new URL(daemon.url).host;
    socket.end(
      Buffer.from(`GET /v1/kv/\xe9 HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n\r\n`, 'latin1'),
    );
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 4\d\d /);
  });
});

test('a declaration with more indexes than an agent may have is refused, with what to do', async () => {
  const names = Array.from({ length: limits.declaredIndexes }, (_, at) => `f${at}`);
  const fields = Object.fromEntries(names.map((name) => [name, { type: 'text' }]));
  const declare = (name: string): Promise<TestReply> =>
    call(`PUT /v1/collections/${name}`, { fields, indexes: names.map((field) => [field]) });
  for (let n = 0; n < limits.agentIndexes / names.length; n += 1) expect((await declare(`c${n}`)).status).toBe(200);
  expect((await declare('more')).json).toMatchObject({
    status: 409,
    code: 'too-many-indexes',
    remedy: expect.stringContaining('holdfast collection undeclare'),
  });
  expect((await call('GET /v1/collections/more')).status).toBe(404);
  await call('DELETE /v1/collections/c0');
  expect((await declare('more')).status).toBe(200);
});

test('an error never repeats a document, and never a stack', async () => {
  const marker = 'very-private-text';
  for (const body of [`{"a":"${marker}`, `{"a":"${marker}\\u0000"}`, `["${marker}"]`, marker]) {
    const reply = await call('PUT /v1/records/notes/bad', body);
    expect(reply.status).toBeGreaterThanOrEqual(400);
    expect(reply.text).not.toContain(marker);
    expect(reply.text).not.toMatch(/at .*\.ts|node_modules|node:internal/);
  }
});
