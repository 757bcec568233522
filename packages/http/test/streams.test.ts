import { gzipSync, zstdCompressSync } from 'node:zlib';

import { limits } from '@holdfast/protocol';
import { describe, expect, test } from 'vitest';

import { problemOf, type ServiceUnderTest, start } from './service-under-test.ts';

function streamHeaders(under: ServiceUnderTest): Record<string, string> {
  return { ...under.headers, 'content-type': 'application/x-ndjson' };
}

describe('lines', () => {
  test.each([
    ['', { lines: 0, bytes: 0, last: 0 }],
    ['1', { lines: 1, bytes: 1, last: 1 }],
    ['1\n2\n', { lines: 2, bytes: 2, last: 2 }],
    ['1\r\n\r\n\n22\r\n', { lines: 2, bytes: 3, last: 4 }],
    ['"€"\n', { lines: 1, bytes: 3, last: 1 }],
  ])('%j are counted with their numbers', async (body, sum) => {
    await using under = await start();
    const reply = await under.ask('POST', '/lines', { headers: streamHeaders(under), body });
    expect(JSON.parse(reply.text)).toEqual(sum);
  });

  test.each([
    ['plain', undefined],
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ] as const)('by the hundred thousand arrive in order, %s', async (encoding, pack) => {
    await using under = await start();
    const text = Array.from({ length: 100_000 }, (_, n) => `{"n":${n},"text":"row € ${n}"}`).join('\n');
    const headers = { ...streamHeaders(under), ...(pack && { 'content-encoding': encoding }) };
    const reply = await under.ask('POST', '/both', { headers, body: pack ? pack(text) : text });
    expect(reply.headers['content-type']).toBe('application/x-ndjson');
    expect(reply.text).toBe(`${text}\n`);
  });

  test('come one byte at a time, and are answered as they come', async () => {
    await using under = await start();
    using wire = await under.connect();
    wire.send(under.head('POST /both', 'content-type: application/x-ndjson', 'transfer-encoding: chunked'));
    for (const byte of Buffer.from('"€1"\n')) wire.send(Buffer.from([0x31, 0x0d, 0x0a, byte, 0x0d, 0x0a]));
    await wire.until(/1"\n/);
    wire.send('4\r\n"2"\n\r\n0\r\n\r\n');
    expect(await wire.until(/"2"\n\r\n0\r\n\r\n$/)).toContain('"2"');
  });

  test('of the greatest length are taken, and one byte more is refused with its number', async () => {
    await using under = await start();
    const headers = streamHeaders(under);
    const longest = 'x'.repeat(limits.lineBytes);
    const taken = await under.ask('POST', '/lines', { headers, body: `1\n${longest}\n${longest}\n2` });
    expect(JSON.parse(taken.text)).toMatchObject({ lines: 4, last: 4 });
    for (const end of ['', '\n', '\n3\n']) {
      const refused = await under.ask('POST', '/lines', { headers, body: `1\n\n${longest}x${end}` });
      expect(problemOf(refused)).toMatchObject({ code: 'body-too-large', detail: expect.stringContaining('line 3') });
    }
  });

  test('before one that is not UTF-8 are handed out', async () => {
    await using under = await start();
    const body = Buffer.concat([Buffer.from('1\n"€"\n3\n'), Buffer.from([0x22, 0xff, 0x22, 0x0a]), Buffer.from('5\n')]);
    using wire = await under.connect();
    wire
      .send(under.head('POST /both', 'content-type: application/x-ndjson', `content-length: ${body.length}`))
      .send(body);
    const answer = await wire.closed();
    expect(answer).toContain('3\n');
    expect(answer).not.toContain('5\n');
    expect(answer).not.toMatch(/0\r\n\r\n$/);
    const refused = await under.ask('POST', '/lines', { headers: streamHeaders(under), body });
    expect(problemOf(refused)).toMatchObject({ code: 'bad-utf8', detail: expect.stringContaining('line 4') });
  });

  test('that are no longer wanted do not keep the answer back', async () => {
    await using under = await start();
    const body = `1\n"stop"\n${'{"row":"after"}\n'.repeat(500_000)}`;
    const reply = await under.ask('POST', '/both', { headers: streamHeaders(under), body });
    expect(reply).toMatchObject({ status: 200, text: '1\n"stop"\n' });
  });

  test('of an answer that breaks end in a cut connection, not in a whole answer', async () => {
    await using under = await start();
    using wire = await under.connect();
    const body = '1\n"fail"\n';
    wire
      .send(under.head('POST /both', 'content-type: application/x-ndjson', `content-length: ${body.length}`))
      .send(body);
    const answer = await wire.closed();
    expect(answer).toContain('1\n');
    expect(answer).not.toMatch(/0\r\n\r\n$/);
    expect(under.logged).toMatchObject([{ code: 'internal', route: 'both' }]);
  });

  test('that break before the first one get a problem', async () => {
    await using under = await start();
    const reply = await under.ask('POST', '/both', { headers: streamHeaders(under), body: '"fail"\n' });
    expect(problemOf(reply).code).toBe('internal');
  });

  test('may be JSON instead where the route takes both', async () => {
    await using under = await start();
    const reply = await under.ask('POST', '/both', { body: '[1,2]' });
    expect(reply).toMatchObject({ status: 200, text: '[1,2]' });
  });
});

test('one connection serves request after request', async () => {
  await using under = await start();
  using wire = await under.connect();
  for (const id of ['one', 'two', 'three']) {
    wire.send(under.head(`PUT /docs/${id}`, 'content-type: application/json', 'content-length: 1')).send('1');
    expect(await wire.until(new RegExp(`"id":"${id}"`))).not.toContain('connection: close');
  }
});
