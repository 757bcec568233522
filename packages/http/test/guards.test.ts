import { describe, expect, test } from 'vitest';

import { problemOf, start } from './service-under-test.ts';

describe('Host', () => {
  test.each(['evil.example', '127.0.0.1', '127.0.0.1:1', 'localhost:8002', '127.0.0.1:8002.evil.example'])(
    'refuses %s',
    async (host) => {
      await using under = await start();
      const reply = await under.ask('GET', '/livez', { headers: { host } });
      expect(problemOf(reply)).toMatchObject({ code: 'forbidden-host', status: 403 });
    },
  );

  test('refuses a request without one', async () => {
    await using under = await start();
    using wire = await under.connect();
    wire.send('GET /livez HTTP/1.1\r\n\r\n');
    expect(await wire.until(/\}$/)).toContain('forbidden-host');
  });

  test('refuses two of them, even the same', async () => {
    await using under = await start();
    using wire = await under.connect();
    wire.send(under.head('GET /livez', `Host: 127.0.0.1:${under.port}`));
    expect(await wire.until(/\}$/)).toContain('forbidden-host');
  });

  test('takes it in any case of letters', async () => {
    await using under = await start();
    const reply = await under.ask('GET', '/livez', { headers: { HOST: `127.0.0.1:${under.port}` } });
    expect(reply.status).toBe(200);
  });
});

describe('web pages', () => {
  test.each([
    ['origin', 'http://evil.example'],
    ['origin', 'null'],
    ['referer', 'http://evil.example/'],
    ['sec-fetch-site', 'cross-site'],
    ['sec-fetch-site', 'same-site'],
    ['sec-fetch-site', 'same-origin'],
  ])('refuses %s: %s', async (name, value) => {
    await using under = await start();
    const reply = await under.ask('GET', '/docs/a', { headers: { ...under.headers, [name]: value } });
    expect(problemOf(reply).code).toBe('forbidden-origin');
  });

  test('get no CORS header, whatever they ask', async () => {
    await using under = await start();
    const headers = { origin: 'http://evil.example', 'access-control-request-method': 'PUT' };
    const reply = await under.ask('OPTIONS', '/docs/a', { headers });
    expect(reply.status).toBe(403);
    expect(Object.keys(reply.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  test('may not be told apart from other callers by a navigation typed by hand', async () => {
    await using under = await start();
    const reply = await under.ask('GET', '/livez', { headers: { 'sec-fetch-site': 'none' } });
    expect(reply.status).toBe(200);
  });
});

describe('media type', () => {
  test.each([
    ['PUT', '/docs/a', 'text/plain'],
    ['PUT', '/docs/a', 'application/x-www-form-urlencoded'],
    ['PUT', '/docs/a', 'application/x-ndjson'],
    ['PUT', '/docs/a', 'application/merge-patch+json'],
    ['PUT', '/docs/a', 'application/json; charset=latin1'],
    ['POST', '/lines', 'application/json'],
    ['POST', '/names', ''],
  ])('refuses %s %s as "%s"', async (method, path, type) => {
    await using under = await start();
    const reply = await under.ask(method, path, { headers: { ...under.headers, 'content-type': type }, body: '{}' });
    expect(problemOf(reply)).toMatchObject({ code: 'unsupported-media-type', status: 415 });
  });

  test.each([
    ['PUT', 'application/json; charset=utf-8'],
    ['PUT', 'Application/JSON;charset="UTF-8"'],
    ['PATCH', 'application/merge-patch+json'],
    ['PATCH', 'application/json'],
  ])('takes %s as %s', async (method, type) => {
    await using under = await start();
    const reply = await under.ask(method, '/docs/a', {
      headers: { ...under.headers, 'content-type': type },
      body: '{}',
    });
    expect(reply.status).toBe(200);
  });
});

describe('content encoding', () => {
  test.each(['br', 'deflate', 'gzip, gzip', 'gzip, zstd', 'x'])('refuses %s', async (encoding) => {
    await using under = await start();
    const headers = { ...under.headers, 'content-encoding': encoding };
    const reply = await under.ask('PUT', '/docs/a', { headers, body: '{}' });
    expect(problemOf(reply)).toMatchObject({ code: 'unsupported-encoding', status: 415 });
    expect(reply.headers['accept-encoding']).toBe('gzip, zstd');
  });
});

describe('order', () => {
  test('the guards come before the token', async () => {
    await using under = await start();
    const bare = { 'content-type': 'text/plain' };
    const host = await under.ask('PUT', '/docs/a', { headers: { ...bare, host: 'evil' }, body: '{}' });
    const page = await under.ask('PUT', '/docs/a', { headers: { ...bare, origin: 'null' }, body: '{}' });
    const type = await under.ask('PUT', '/docs/a', { headers: bare, body: '{}' });
    expect([host, page, type].map((reply) => problemOf(reply).code)).toEqual([
      'forbidden-host',
      'forbidden-origin',
      'unsupported-media-type',
    ]);
  });
});

describe('what is no HTTP', () => {
  test.each([
    ['nonsense', 'nonsense\r\n\r\n', 400, 'bad-http'],
    [
      'both lengths',
      'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n',
      400,
      'bad-http',
    ],
    ['huge headers', `GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 431, 'headers-too-large'],
  ])('%s gets a problem and a closed connection', async (_name, bytes, status, code) => {
    await using under = await start();
    using wire = await under.connect();
    const answer = await wire.send(bytes).closed();
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toContain('application/problem+json');
    expect(answer).toContain(`"code":"${code}"`);
  });
});
