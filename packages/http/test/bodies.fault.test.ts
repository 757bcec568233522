import { constants, gzipSync, zstdCompressSync } from 'node:zlib';

import { limits } from '@holdfast/protocol';
import { describe, expect, test } from 'vitest';

import { oversized, problemOf, start } from './service-under-test.ts';

const MIB = 1024 * 1024;

describe('a document', () => {
  test.each(['null', '0', '"€ 𝄞"', '[1,{"a":[]}]', '{"toString":1,"constructor":{"prototype":2}}'])(
    '%s arrives as it is',
    async (text) => {
      await using under = await start();
      const reply = await under.ask('PUT', '/docs/a', { body: text });
      expect(JSON.parse(reply.text)).toMatchObject({ id: 'a', text });
    },
  );

  test.each([
    ['nothing', '', 'bad-json'],
    ['half of it', '{"a":', 'bad-json'],
    ['two of them', '1 2', 'bad-json'],
    ['a byte order mark', '\uFEFF1', 'bad-json'],
    ['invalid UTF-8', Buffer.from([0x22, 0xc3, 0x28, 0x22]), 'bad-utf8'],
    ['a surrogate in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'bad-utf8'],
    ['65 levels', '['.repeat(65) + ']'.repeat(65), 'unsafe-document'],
    ['a million levels', '['.repeat(1_000_000), 'unsafe-document'],
    ['NUL', String.raw`{"a":"\u0000"}`, 'unsafe-document'],
    ['a lone surrogate', String.raw`["\ud800"]`, 'unsafe-document'],
    ['__proto__', '{"__proto__":{"admin":true}}', 'unsafe-document'],
    ['an integer beyond 2^53', '[9007199254740993]', 'unsafe-document'],
    ['a number beyond all', '1e999', 'unsafe-document'],
    ['over 1 MiB', JSON.stringify('x'.repeat(MIB)), 'record-too-large'],
  ])('of %s is refused', async (_name, body, code) => {
    await using under = await start();
    expect(problemOf(await under.ask('PUT', '/docs/a', { body })).code).toBe(code);
  });

  test('of 64 levels is taken', async () => {
    await using under = await start();
    const reply = await under.ask('PUT', '/docs/a', { body: '['.repeat(64) + ']'.repeat(64) });
    expect(reply.status).toBe(200);
  });
});

describe('JSON of a schema', () => {
  test('arrives checked, each fault with its place', async () => {
    await using under = await start();
    const good = await under.ask('POST', '/names', { body: '{"name":"x"}' });
    expect(good).toMatchObject({ status: 201, headers: { location: '/names/x' }, text: '{"name":"x"}' });
    const bad = await under.ask('POST', '/names', { body: '{"name":1}' });
    expect(problemOf(bad)).toMatchObject({ code: 'invalid-request', issues: [{ path: 'body.name' }] });
  });
});

describe('a body too large', () => {
  test('by its length is refused before it is read, and the client gets the answer', async () => {
    await using under = await start();
    const reply = await under.ask('PUT', '/docs/a', { body: oversized });
    expect(problemOf(reply)).toMatchObject({ code: 'body-too-large', status: 413 });
    expect(reply.headers.connection).toBe('close');
  });

  test('without a length is refused as soon as it is over', async () => {
    await using under = await start();
    const headers = { ...under.headers, 'transfer-encoding': 'chunked' };
    const reply = await under.ask('PUT', '/docs/a', { headers, body: oversized });
    expect(problemOf(reply).code).toBe('body-too-large');
  });

  test('that was only announced is not asked for', async () => {
    await using under = await start();
    using wire = await under.connect();
    const more = ['content-type: application/json', `content-length: ${17 * MIB}`, 'expect: 100-continue'];
    const answer = await wire.send(under.head('PUT /docs/a', ...more)).closed();
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
    expect(answer).not.toContain('100 Continue');
  });

  test('but within bounds is asked for', async () => {
    await using under = await start();
    using wire = await under.connect();
    wire.send(under.head('PUT /docs/a', 'content-type: application/json', 'content-length: 1', 'expect: 100-continue'));
    await wire.until(/100 Continue/);
    wire.send('1');
    expect(await wire.until(/\}$/)).toContain('HTTP/1.1 200 OK');
  });

  test('is not even read without a token', async () => {
    await using under = await start();
    const reply = await under.ask('PUT', '/docs/a', {
      headers: { 'content-type': 'application/json' },
      body: oversized,
    });
    expect(problemOf(reply).code).toBe('unauthenticated');
  });
});

const packers = [
  ['gzip', (data: Buffer) => gzipSync(data)],
  ['zstd', (data: Buffer) => zstdCompressSync(data)],
] as const;

describe.each(packers)('%s', (encoding, pack) => {
  const text = JSON.stringify({ list: Array.from({ length: 1000 }, (_, n) => n) });

  test('is unpacked', async () => {
    await using under = await start();
    const headers = { ...under.headers, 'content-encoding': encoding };
    const reply = await under.ask('PUT', '/docs/a', { headers, body: pack(Buffer.from(text)) });
    expect(JSON.parse(reply.text)).toMatchObject({ text });
  });

  test.each([
    ['cut off', (whole: Buffer) => whole.subarray(0, -5)],
    ['empty', () => Buffer.alloc(0)],
    ['something else', () => Buffer.from('{"plain":"text"}')],
    ['followed by more', (whole: Buffer) => Buffer.concat([whole, Buffer.from('more')])],
  ])('%s is bad-encoding', async (_name, spoil) => {
    await using under = await start();
    const headers = { ...under.headers, 'content-encoding': encoding };
    const reply = await under.ask('PUT', '/docs/a', { headers, body: spoil(pack(Buffer.from(text))) });
    expect(problemOf(reply).code).toBe('bad-encoding');
  });

  test('bombs are defused before they fill the memory', async () => {
    await using under = await start();
    const bomb = pack(Buffer.alloc(768 * MIB, 0x20));
    const before = process.memoryUsage.rss();
    const headers = { ...under.headers, 'content-encoding': encoding };
    const whole = await under.ask('PUT', '/docs/a', { headers, body: bomb });
    const lines = await under.ask('POST', '/lines', {
      headers: { ...headers, 'content-type': 'application/x-ndjson' },
      body: bomb,
    });
    expect([whole, lines].map((reply) => problemOf(reply).code)).toEqual(['body-too-large', 'body-too-large']);
    expect(process.memoryUsage.rss() - before).toBeLessThan(256 * MIB);
  });
});

test('a stream of empty lines that swells without end is stopped', async () => {
  await using under = await start();
  const headers = { ...under.headers, 'content-type': 'application/x-ndjson', 'content-encoding': 'zstd' };
  const reply = await under.ask('POST', '/lines', { headers, body: zstdCompressSync(Buffer.alloc(192 * MIB, 0x0a)) });
  expect(problemOf(reply).code).toBe('body-too-large');
});

test('a zstd frame that asks for a huge window is refused', async () => {
  await using under = await start();
  const params = { [constants.ZSTD_c_windowLog]: 27 };
  const body = zstdCompressSync(Buffer.alloc(32 * MIB, 0x20), { params });
  const headers = { ...under.headers, 'content-encoding': 'zstd' };
  expect((await under.ask('PUT', '/docs/a', { headers, body })).status).toBeGreaterThanOrEqual(400);
});

describe('a body that does not come', () => {
  test('in time is request-timeout', async () => {
    await using under = await start({ config: { 'limits.requestSeconds': 1 } });
    using wire = await under.connect();
    wire.send(under.head('PUT /docs/a', 'content-type: application/json', 'content-length: 10')).send('"abc');
    const answer = await wire.until(/\}$/);
    expect(answer).toContain('"code":"request-timeout"');
    expect(answer).toContain('connection: close');
  });

  test('in time as a stream is request-timeout too', async () => {
    await using under = await start({ config: { 'limits.requestSeconds': 1 } });
    using wire = await under.connect();
    wire.send(under.head('POST /lines', 'content-type: application/x-ndjson', 'transfer-encoding: chunked'));
    wire.send('3\r\n1\n2\r\n');
    expect(await wire.until(/\}$/)).toContain('"code":"request-timeout"');
  });

  test('whole leaves the service as it was', async () => {
    await using under = await start({ logLevel: 'debug' });
    using wire = await under.connect();
    wire.send(under.head('PUT /docs/a', 'content-type: application/json', 'content-length: 10')).send('"abc');
    wire.socket.end();
    expect(await wire.closed()).toContain('"code":"body-incomplete"');
    expect((await under.ask('PUT', '/docs/a', { body: '1' })).status).toBe(200);
  });
});

test('limits of the configuration hold', async () => {
  await using under = await start({ config: { 'limits.bodyBytes': 1024 } });
  expect((await under.ask('PUT', '/docs/a', { body: JSON.stringify('x'.repeat(1022)) })).status).toBe(200);
  const reply = await under.ask('PUT', '/docs/a', { body: JSON.stringify('x'.repeat(1023)) });
  expect(problemOf(reply).code).toBe('body-too-large');
  expect(limits.bodyBytes).toBeGreaterThan(1024);
});

describe('bodies that are large together', () => {
  const most = limits.bodyBytes - 1;

  test('are taken while there is room for them, and refused beyond it until others are done', async () => {
    await using under = await start();
    const uploads = await Promise.all([1, 2, 3, 4].map(() => under.connect()));
    for (const wire of uploads) {
      const head = ['content-type: application/json', `content-length: ${most + 1}`];
      wire.send(under.head('PUT /docs/a', ...head)).send(' '.repeat(most));
    }
    await expect.poll(() => uploads.every(({ socket }) => socket.writableLength === 0), { timeout: 20_000 }).toBe(true);
    const body = ' '.repeat(1024) + '1';
    await expect.poll(async () => (await under.ask('PUT', '/docs/a', { body })).status, { timeout: 20_000 }).toBe(503);
    const refused = await under.ask('PUT', '/docs/a', { body });
    expect(problemOf(refused).code).toBe('queue-full');
    expect(refused.headers['retry-after']).toBe('1');
    uploads[0]?.[Symbol.dispose]();
    await expect.poll(async () => (await under.ask('PUT', '/docs/a', { body })).status, { timeout: 20_000 }).toBe(200);
    for (const wire of uploads) wire[Symbol.dispose]();
  });

  test.each(packers)('although small as sent, as %s, fill no more memory than that', async (encoding, pack) => {
    await using under = await start();
    const headers = { ...under.headers, 'content-encoding': encoding };
    const body = pack(Buffer.from(`[${' '.repeat(most - 1)}]`));
    const before = process.memoryUsage.rss();
    const asked = Array.from({ length: 40 }, () => under.ask('POST', '/both', { headers, body }));
    const replies = await Promise.all(asked);
    expect(process.memoryUsage.rss() - before).toBeLessThan(512 * MIB);
    const refused = replies.filter(({ status }) => status !== 200);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(replies.length);
    expect(new Set(refused.map((reply) => problemOf(reply).code))).toEqual(new Set(['queue-full']));
    expect((await under.ask('POST', '/both', { headers, body })).status).toBe(200);
  });
});
