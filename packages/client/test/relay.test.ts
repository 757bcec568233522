import { expect, test } from 'vitest';

import { connectRelay } from '@holdfast/client';

import { collect } from './collect.ts';
import { json, nothing, problem, scriptedServer } from './scripted-server.ts';

test('queries over the network: a page, all pages, groups', async () => {
  const record = { node: 'ws', agent: 'scout', collection: 'notes', id: 'n-1', version: 'v', doc: { a: 1 } };
  await using server = await scriptedServer(
    json({ records: [record], next: null }),
    json({ records: [record], next: 'p2' }),
    json({ records: [record], next: null }),
    json({ groups: [{ n: 3 }] }),
    json({ groups: [] }),
  );
  await using relay = connectRelay({ url: server.url, token: 't', retries: 0 });
  expect(await relay.query({ collection: 'notes', agents: ['scout'] })).toEqual({ records: [record], next: null });
  expect(await collect(relay.each())).toEqual([record, record]);
  expect(await relay.aggregate({ nodes: ['ws'], aggregate: { metrics: { n: { count: '*' } } } })).toEqual([{ n: 3 }]);
  await expect(relay.query()).rejects.toMatchObject({ code: 'unexpected-answer' });
  expect(server.seen.map(({ method, url, body }) => `${method} ${url} ${body}`)).toEqual([
    'POST /relay/query {"collection":"notes","agents":["scout"]}',
    'POST /relay/query {}',
    'POST /relay/query {"after":"p2"}',
    'POST /relay/query {"nodes":["ws"],"aggregate":{"metrics":{"n":{"count":"*"}}}}',
    'POST /relay/query {}',
  ]);
});

test('each operator call reaches its route and gives what is inside the answer', async () => {
  const invitation = { token: 'j', node: 'ws', expires_at: '2026-11-20T10:00:00.000Z' };
  await using server = await scriptedServer(
    json({ version: '1.0.0' }),
    json({ nodes: [{ node: 'ws' }] }),
    json({ collections: [{ name: 'notes', records: 2 }] }),
    json({ dead_letters: [{ id: '4' }] }),
    json({ id: '4', change: '{}' }),
    problem(404, 'dead-letter-not-found'),
    json({ rejects: [] }),
    nothing(),
    json(invitation, 201),
    json({ token: 'hf_x', id: 'abc' }, 201),
    json({ status: 'ok' }),
  );
  await using relay = connectRelay({ url: server.url, token: 't', retries: 0 });
  expect(await relay.status()).toEqual({ version: '1.0.0' });
  expect(await relay.nodes()).toEqual([{ node: 'ws' }]);
  expect(await relay.collections()).toEqual([{ name: 'notes', records: 2 }]);
  expect(await relay.deadLetters.list({ limit: 5 })).toEqual([{ id: '4' }]);
  expect(await relay.deadLetters.get('4')).toEqual({ id: '4', change: '{}' });
  expect(await relay.deadLetters.get('5')).toBeUndefined();
  expect(await relay.deadLetters.retry('4')).toEqual({ rejects: [] });
  expect(await relay.deadLetters.drop('4')).toBeUndefined();
  expect(await relay.invite({ node: 'ws', ttl: 60 })).toEqual(invitation);
  expect(await relay.token({ role: 'viewer', name: 'Ann' })).toEqual({ token: 'hf_x', id: 'abc' });
  expect(await relay.ready()).toMatchObject({ ready: true });
  expect(server.seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
    'GET /relay/status',
    'GET /relay/nodes',
    'GET /relay/collections',
    'GET /relay/dead-letters?limit=5',
    'GET /relay/dead-letters/4',
    'GET /relay/dead-letters/5',
    'POST /relay/dead-letters/4/retry',
    'DELETE /relay/dead-letters/4',
    'POST /relay/join-tokens',
    'POST /relay/tokens',
    'GET /readyz?verbose',
  ]);
});
