import { describe, expect, test } from 'vitest';

import { connect, type Holdfast, HoldfastProblem } from '@holdfast/client';

import { collect } from './collect.ts';
import { json, nothing, problem, type ScriptedServer, scriptedServer, type Step, written } from './scripted-server.ts';

const TOKEN = 'hf_token';

async function served(
  steps: readonly Step[],
  use: (holdfast: Holdfast, server: ScriptedServer) => Promise<void>,
): Promise<void> {
  await using server = await scriptedServer(...steps);
  await using holdfast = connect({ url: server.url, token: TOKEN, retries: 0 });
  await use(holdfast, server);
}

const record = {
  collection: 'notes',
  id: 'n-1',
  version: written.version,
  created_at: '2026-11-20T10:00:00.000Z',
  updated_at: '2026-11-20T10:00:00.000Z',
  doc: { text: 'a' },
};

describe('records', () => {
  test('put sends the document with token, conditions, time to live and wait', async () => {
    await served([json(written)], async (holdfast, { seen }) => {
      const answer = await holdfast
        .collection('notes')
        .put('a/b c', { text: 'ü' }, { ifMatch: written.version, ttl: 60, ack: 'relay', timeout: 5 });
      expect(answer).toEqual(written);
      expect(seen[0]).toMatchObject({
        method: 'PUT',
        url: '/v1/records/notes/a%2Fb%20c?ttl=60&ack=relay&timeout=5',
        body: '{"text":"ü"}',
        headers: {
          authorization: `Bearer ${TOKEN}`,
          'content-type': 'application/json',
          'if-match': `"${written.version}"`,
        },
      });
    });
  });

  test('put with ifNoneMatch asks for no record to be there', async () => {
    await served([json(written)], async (holdfast, { seen }) => {
      await holdfast.collection('notes').put('n-1', {}, { ifNoneMatch: '*' });
      expect(seen[0]?.headers['if-none-match']).toBe('*');
    });
  });

  test.each(['"v-1"', 'W/"v-1"'])('get gives document and version from ETag %s', async (etag) => {
    await served([json({ text: 'a' }, 200, { etag })], async (holdfast) => {
      expect(await holdfast.collection('notes').get('n-1')).toEqual({ doc: { text: 'a' }, version: 'v-1' });
    });
  });

  test('get gives undefined when there is no record', async () => {
    await served([problem(404, 'record-not-found')], async (holdfast) => {
      expect(await holdfast.collection('notes').get('n-1')).toBeUndefined();
    });
  });

  test('get fails when the agent, not the record, is not found', async () => {
    await served([problem(404, 'agent-not-found')], async (holdfast) => {
      await expect(holdfast.collection('notes').get('n-1')).rejects.toMatchObject({ code: 'agent-not-found' });
    });
  });

  test('get refuses an answer without an ETag', async () => {
    await served([json({})], async (holdfast) => {
      await expect(holdfast.collection('notes').get('n-1')).rejects.toMatchObject({ code: 'unexpected-answer' });
    });
  });

  test('patch sends a merge patch', async () => {
    await served([json(written)], async (holdfast, { seen }) => {
      await holdfast.collection<{ text?: string; tags: string[] }>('notes').patch('n-1', { text: null, tags: ['x'] });
      expect(seen[0]).toMatchObject({ method: 'PATCH', body: '{"text":null,"tags":["x"]}' });
      expect(seen[0]?.headers['content-type']).toBe('application/merge-patch+json');
    });
  });

  test('delete gives the answer, or undefined when there was no record', async () => {
    await served([json(written), problem(404, 'record-not-found')], async (holdfast) => {
      const notes = holdfast.collection('notes');
      expect(await notes.delete('n-1')).toEqual(written);
      expect(await notes.delete('n-1')).toBeUndefined();
    });
  });

  test('create and batch send an idempotency key, a new one each time unless given', async () => {
    const batchAnswer = { results: [{ id: 'n-1', version: written.version, seq: 8 }], ack: 'local' };
    await served([json(written, 201), json(written, 201), json(batchAnswer)], async (holdfast, { seen }) => {
      await holdfast.collection('notes').create({ text: 'a' });
      await holdfast.collection('notes').create({ text: 'a' });
      const operations = [{ op: 'put', collection: 'notes', doc: {} }] as const;
      expect(await holdfast.batch(operations, { idempotencyKey: 'mine' })).toEqual(batchAnswer);
      const [first, second, third] = seen.map(({ headers }) => headers['idempotency-key']);
      expect(first).toMatch(/^[0-9a-f]{32}$/);
      expect(second).not.toBe(first);
      expect(third).toBe('mine');
      expect(seen[2]?.body).toBe(JSON.stringify(operations));
    });
  });

  test('query gives a page, each follows all pages, aggregate gives groups', async () => {
    const steps = [
      json({ records: [record], next: 'p2' }),
      json({ records: [record], next: 'p2' }),
      json({ records: [{ ...record, id: 'n-2' }], next: null }),
      json({ groups: [{ status: 'open', n: 2 }] }),
    ];
    await served(steps, async (holdfast, { seen }) => {
      const notes = holdfast.collection<{ text: string }>('notes');
      expect(await notes.query({ where: { text: 'a' }, limit: 1 })).toEqual({ records: [record], next: 'p2' });
      const found = await collect(notes.each({ limit: 1 }));
      expect(found.map(({ id }) => id)).toEqual(['n-1', 'n-2']);
      expect(seen.slice(1).map(({ body }) => body)).toEqual(['{"limit":1}', '{"limit":1,"after":"p2"}']);
      const groups = await notes.aggregate({ aggregate: { groupBy: ['status'], metrics: { n: { count: '*' } } } });
      expect(groups).toEqual([{ status: 'open', n: 2 }]);
      expect(seen[3]?.url).toBe('/v1/records/notes/query');
    });
  });

  test.each(['', '.', '..', '\ud800'])(
    'an id that no URL can carry is refused before anything is sent: %j',
    async (id) => {
      await served([json(written)], async (holdfast, { seen }) => {
        await expect(holdfast.collection('notes').delete(id)).rejects.toMatchObject({
          code: 'invalid-request',
          status: 0,
        });
        await expect(holdfast.kv.delete(id)).rejects.toBeInstanceOf(HoldfastProblem);
        expect(seen).toEqual([]);
      });
    },
  );

  test('a document JSON cannot hold is a bug of the caller', async () => {
    await served([json(written)], async (holdfast) => {
      await expect(holdfast.collection<unknown>('notes').put('n-1', undefined)).rejects.toBeInstanceOf(TypeError);
    });
  });
});

describe('the rest of the daemon', () => {
  test('kv puts, gets, deletes and lists over pages', async () => {
    const entry = { key: 'a:1', value: 3, version: 'v', updated_at: record.updated_at };
    const steps = [
      json(written),
      json(3, 200, { etag: '"v"' }),
      json(null, 200, { etag: '"v"' }),
      problem(404, 'record-not-found'),
      json({ entries: [entry], next: 'a:1' }),
      json({ entries: [{ ...entry, key: 'a:2' }], next: null }),
    ];
    await served(steps, async ({ kv }, { seen }) => {
      expect(await kv.put('a:1', 3, { ttl: 9 })).toEqual(written);
      expect(await kv.get('a:1')).toEqual({ value: 3, version: 'v' });
      expect(await kv.get('a:1')).toEqual({ value: null, version: 'v' });
      expect(await kv.delete('a:1')).toBeUndefined();
      expect((await collect(kv.list({ prefix: 'a:' }))).map(({ key }) => key)).toEqual(['a:1', 'a:2']);
      expect(seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
        'PUT /v1/kv/a%3A1?ttl=9',
        'GET /v1/kv/a%3A1',
        'GET /v1/kv/a%3A1',
        'DELETE /v1/kv/a%3A1',
        'GET /v1/kv?prefix=a%3A',
        'GET /v1/kv?prefix=a%3A&after=a%3A1',
      ]);
    });
  });

  test('each administrative call reaches its route and gives what is inside the answer', async () => {
    const token = { token: 'hf_x', id: 'abcdefabcdef', agent: 'scout' };
    const steps = [
      json({ agent: 'scout' }),
      json({ collections: [{ name: 'kv' }] }),
      json({ node: null }),
      json({ node: 'ws', relay: 'http://r' }),
      json({ agents: [{ name: 'scout' }] }),
      json(token, 201),
      json(token, 201),
      nothing(),
      json({ dead_letters: [{ id: '4' }] }),
      nothing(),
      nothing(),
    ];
    await served(steps, async ({ node, agents, deadLetters, ...holdfast }, { seen }) => {
      expect(await holdfast.status()).toEqual({ agent: 'scout' });
      expect(await holdfast.collections.list()).toEqual([{ name: 'kv' }]);
      expect(await node.status()).toEqual({ node: null });
      expect(await node.join({ relay: 'http://r', token: 't', name: 'ws' })).toEqual({ node: 'ws', relay: 'http://r' });
      expect(await agents.list()).toEqual([{ name: 'scout' }]);
      expect(await agents.create('scout')).toEqual(token);
      expect(await agents.token('scout', { resource: 'app:u' })).toEqual(token);
      expect(await agents.revoke('scout', 'abcdefabcdef')).toBeUndefined();
      expect(await deadLetters.list()).toEqual([{ id: '4' }]);
      await deadLetters.retry('scout', '4');
      await deadLetters.drop('scout', '4');
      expect(seen.map(({ method, url, body }) => `${method} ${url} ${body}`.trim())).toEqual([
        'GET /v1/status',
        'GET /v1/collections',
        'GET /v1/node',
        'POST /v1/node/join {"relay":"http://r","token":"t","name":"ws"}',
        'GET /v1/agents',
        'POST /v1/agents {"name":"scout"}',
        'POST /v1/agents/scout/tokens {"resource":"app:u"}',
        'DELETE /v1/agents/scout/tokens/abcdefabcdef',
        'GET /v1/dead-letters',
        'POST /v1/dead-letters/scout/4/retry',
        'DELETE /v1/dead-letters/scout/4',
      ]);
    });
  });

  test('ready tells a ready daemon from one that is not', async () => {
    await served([json({ status: 'ok' }), json({ status: 'no' }, 503)], async (holdfast, { seen }) => {
      expect(await holdfast.ready()).toEqual({ ready: true, report: { status: 'ok' } });
      expect(await holdfast.ready()).toEqual({ ready: false, report: { status: 'no' } });
      expect(seen[0]?.url).toBe('/readyz?verbose');
    });
  });

  test('a problem keeps everything the service said', async () => {
    const issues = [{ path: 'body.limit', message: 'too large' }, 'not an issue'];
    await served([problem(422, 'invalid-request', { issues })], async (holdfast) => {
      const failure = await holdfast.status().catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(HoldfastProblem);
      expect(failure).toMatchObject({
        name: 'HoldfastProblem',
        message: 'T invalid-request: D',
        code: 'invalid-request',
        status: 422,
        title: 'T invalid-request',
        detail: 'D',
        remedy: 'R',
        retryable: false,
        requestId: 'r-1',
        issues: [{ path: 'body.limit', message: 'too large' }],
      });
    });
  });
});
