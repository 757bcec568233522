import { describe, expect, test } from 'vitest';

import { problemOf, start } from './service-under-test.ts';

describe('routes', () => {
  test('an unknown one is route-not-found', async () => {
    await using under = await start();
    for (const path of ['/nowhere', '/docs', '/docs/', '/docs/a/', '/docs/a/b', '//docs/a', '/DOCS/a', '*']) {
      const reply = await under.ask(path === '*' ? 'OPTIONS' : 'GET', path);
      expect([path, problemOf(reply).code]).toEqual([path, 'route-not-found']);
    }
  });

  test('a method the path does not have is refused with those it has', async () => {
    await using under = await start();
    const reply = await under.ask('POST', '/docs/a', { body: '{}' });
    expect(problemOf(reply)).toMatchObject({ code: 'method-not-allowed', status: 405 });
    expect(reply.headers.allow?.split(', ').toSorted()).toEqual(['DELETE', 'GET', 'HEAD', 'PATCH', 'PUT']);
  });

  test('HEAD is GET without the body', async () => {
    await using under = await start();
    const reply = await under.ask('HEAD', '/docs/abc');
    expect(reply).toMatchObject({ status: 200, text: '' });
    expect(reply.headers['content-length']).toBe('5');
  });

  test('204 has no body and no length', async () => {
    await using under = await start();
    const reply = await under.ask('DELETE', '/docs/a');
    expect(reply).toMatchObject({ status: 204, text: '' });
    expect(reply.headers['content-length']).toBeUndefined();
  });
});

describe('path parameters', () => {
  test.each([
    ['a%2Fb', 'a/b'],
    ['%E2%82%AC', '€'],
    ['a+b', 'a+b'],
    ['%2525', '%25'],
    ['...', '...'],
    ['a%3Fb%23c', 'a?b#c'],
  ])('%s arrives as %s', async (sent, id) => {
    await using under = await start();
    const reply = await under.ask('GET', `/docs/${sent}`);
    expect(JSON.parse(reply.text)).toBe(id);
  });

  test.each(['..', '.', '%2e%2e', '%2E', '.%2e', '%00', 'a%0Ab', '%7F', 'x'.repeat(256)])(
    '%s is refused',
    async (id) => {
      await using under = await start();
      const reply = await under.ask('GET', `/docs/${id}`);
      expect(problemOf(reply)).toMatchObject({ code: 'invalid-request', status: 422, issues: [{ path: 'id' }] });
    },
  );

  test.each(['%', '%zz', '%c0%af', '%ff', '%ed%a0%80', 'a%E2%82'])('%s is not valid encoding', async (id) => {
    await using under = await start();
    const reply = await under.ask('GET', `/docs/${id}`);
    expect(problemOf(reply)).toMatchObject({ code: 'invalid-request', status: 422 });
  });

  test('raw bytes beyond ASCII are refused, not guessed at', async () => {
    await using under = await start();
    using wire = await under.connect();
    wire.send(Buffer.from(under.head('GET /docs/é')));
    expect(await wire.until(/\}$/)).toMatch(/invalid-request|bad-http/);
  });
});

describe('query parameters', () => {
  test('are checked and turned into their types', async () => {
    await using under = await start();
    const reply = await under.ask('PUT', '/docs/a?ttl=5&note=a+b%2Bc', { body: '1' });
    expect(JSON.parse(reply.text)).toMatchObject({ query: { ttl: 5, note: 'a b+c' } });
  });

  test.each(['ttl=x', 'tll=5', 'ttl=5&ttl=6', 'note=%zz', '%ff=1', '__proto__=1', 'constructor=1', '=', 'ttl=5&&'])(
    '?%s is refused',
    async (search) => {
      await using under = await start();
      const reply = await under.ask('PUT', `/docs/a?${search}`, { body: '1' });
      expect(problemOf(reply)).toMatchObject({ code: 'invalid-request', status: 422 });
    },
  );

  test('are refused where none is known', async () => {
    await using under = await start();
    expect(problemOf(await under.ask('GET', '/docs/a?x=1')).code).toBe('invalid-request');
    expect((await under.ask('GET', '/docs/a?')).status).toBe(200);
  });
});

describe('failures', () => {
  test('of our own are answered as internal, logged with their stack, and never sent', async () => {
    await using under = await start();
    const reply = await under.ask('GET', '/fail?');
    const { code, requestId } = problemOf(reply);
    expect(code).toBe('internal');
    expect(reply.text).not.toContain('secret');
    expect(under.logged).toMatchObject([{ level: 40, route: 'fail', requestId, err: { message: 'the secret cause' } }]);
    expect(JSON.stringify(under.logged)).toContain('service-under-test.ts');
  });

  test('requests are logged without parameters, headers or bodies', async () => {
    await using under = await start({ logLevel: 'debug' });
    await under.ask('PUT', '/docs/private-id?note=private-note', { body: '"private-document"' });
    expect(under.logged).toMatchObject([{ route: 'doc.put', method: 'PUT', status: 200, ms: expect.any(Number) }]);
    expect(JSON.stringify(under.logged)).not.toMatch(/private|Bearer|hf_/);
  });
});
