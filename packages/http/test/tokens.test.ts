import { crc32 } from 'node:zlib';

import { describe, expect, test } from 'vitest';

import { makeToken, parseToken, tokenMatches } from '../src/index.ts';
import { problemOf, start } from './service-under-test.ts';

describe('a token', () => {
  test('has the form hf_<id>_<secret>_<crc32> and is taken apart again', () => {
    const { token, id, hash } = makeToken();
    expect(token).toMatch(/^hf_[0-9a-f]{12}_[0-9a-f]{64}_[0-9a-f]{8}$/);
    const parsed = parseToken(token);
    expect(parsed?.id).toBe(id);
    expect(parsed && tokenMatches(parsed.secret, hash)).toBe(true);
    expect(hash).not.toContain(parsed?.secret);
    expect(token.endsWith(crc32(token.slice(0, -9)).toString(16).padStart(8, '0'))).toBe(true);
  });

  test('is new every time', () => {
    const made = Array.from({ length: 100 }, makeToken);
    expect(new Set(made.flatMap(({ token, id }) => [token, id])).size).toBe(200);
  });

  test('with any one character changed is not a token', () => {
    const { token } = makeToken();
    for (let at = 0; at < token.length; at += 1) {
      const other = token[at] === '0' ? '1' : '0';
      expect(parseToken(token.slice(0, at) + other + token.slice(at + 1))).toBeUndefined();
    }
    for (const text of ['', 'hf_', `${token} `, token.toUpperCase(), token.slice(1), `${token}0`]) {
      expect(parseToken(text)).toBeUndefined();
    }
  });

  test('matches only its own hash, and never an unknown one', () => {
    const [one, other] = [makeToken(), makeToken()];
    const secret = parseToken(one.token)?.secret ?? '';
    expect(tokenMatches(secret, other.hash)).toBe(false);
    expect(tokenMatches(secret, undefined)).toBe(false);
    expect(tokenMatches(secret, '')).toBe(false);
    expect(tokenMatches(secret, 'é'.repeat(64))).toBe(false);
    expect(tokenMatches('', undefined)).toBe(false);
  });
});

describe('authentication', () => {
  test.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Basic aGY6',
    'Bearer nonsense',
    'Bearer a b',
    `Bearer ${'x'.repeat(600)}`,
  ])('refuses "%s"', async (authorization) => {
    await using under = await start();
    const reply = await under.ask('GET', '/docs/a', { headers: authorization === undefined ? {} : { authorization } });
    expect(problemOf(reply)).toMatchObject({ code: 'unauthenticated', status: 401 });
    expect(reply.headers['www-authenticate']).toBe('Bearer realm="holdfast"');
  });

  test('refuses a well-made token nobody issued, in the same words as a wrong one', async () => {
    await using under = await start();
    const unknown = await under.ask('GET', '/docs/a', { headers: { authorization: `Bearer ${makeToken().token}` } });
    const wrong = await under.ask('GET', '/docs/a', { headers: { authorization: 'Bearer nonsense' } });
    expect(problemOf(unknown)).toEqual({ ...problemOf(wrong), requestId: expect.any(String) });
  });

  test('takes the scheme in any case of letters', async () => {
    await using under = await start();
    const reply = await under.ask('GET', '/docs/a', { headers: { authorization: `bearer ${under.tokens.agent}` } });
    expect(reply.status).toBe(200);
  });

  test('refuses a role the route does not let in', async () => {
    await using under = await start();
    const headers = { authorization: `Bearer ${under.tokens.admin}` };
    expect(problemOf(await under.ask('GET', '/docs/a', { headers }))).toMatchObject({ code: 'forbidden', status: 403 });
    expect((await under.ask('DELETE', '/docs/a', { headers })).status).toBe(204);
  });
});
