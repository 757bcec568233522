import { FakeClock } from '@holdfast/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { TestDaemon, type TestReply } from './support/test-daemon.ts';

const DAY_SECONDS = 86_400;

let daemon: TestDaemon;
let token: string;
const clock = new FakeClock();

beforeAll(async () => {
  daemon = await TestDaemon.start({ now: clock.now });
  token = await daemon.agent('ada');
});
afterAll(() => daemon[Symbol.asyncDispose]());

interface Extra {
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

const call = (target: string, extra: Extra = {}): Promise<TestReply> => daemon.call(target, { token, ...extra });
const put = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<TestReply> =>
  call(`PUT ${path}`, { body, headers });

describe('a record', () => {
  test('is read as it was written, byte for byte, with its version as ETag', async () => {
    const text = '{"b":1,"a":[1.5,true,null,"ключ 🔑"],"":{}}';
    const written = await put('/v1/records/notes/exact', text);
    expect(written.status).toBe(200);
    expect(written.json).toEqual({
      id: 'exact',
      version: expect.any(String) as string,
      seq: expect.any(Number) as number,
      ack: 'local',
    });
    const read = await call('GET /v1/records/notes/exact');
    expect(read.text).toBe(text);
    expect(read.headers.etag).toBe(`"${written.json.version as string}"`);
    expect(written.headers.etag).toBe(read.headers.etag);
  });

  test('is answered with 304 to who has it already', async () => {
    const { headers } = await put('/v1/records/notes/cached', { n: 1 });
    const etag = headers.etag ?? '';
    const same = await call('GET /v1/records/notes/cached', { headers: { 'if-none-match': etag } });
    expect({ status: same.status, text: same.text, etag: same.headers.etag }).toEqual({ status: 304, text: '', etag });
    await put('/v1/records/notes/cached', { n: 2 });
    const changed = await call('GET /v1/records/notes/cached', { headers: { 'if-none-match': etag } });
    expect({ status: changed.status, json: changed.json as unknown }).toEqual({ status: 200, json: { n: 2 } });
  });

  test('is patched: null removes, objects merge, the rest is replaced', async () => {
    await put('/v1/records/notes/patched', { keep: 1, drop: 2, deep: { a: 1, b: 2 }, list: [1, 2] });
    const patch = { drop: null, deep: { b: null, c: 3 }, list: [3] };
    const headers = { 'content-type': 'application/merge-patch+json' };
    expect((await call('PATCH /v1/records/notes/patched', { body: patch, headers })).status).toBe(200);
    const { json } = await call('GET /v1/records/notes/patched');
    expect(json).toEqual({ keep: 1, deep: { a: 1, c: 3 }, list: [3] });
  });

  test('that is not there cannot be read, patched or deleted', async () => {
    for (const [method, body] of [['GET'], ['PATCH', {}], ['DELETE']] as const) {
      const reply = await call(`${method} /v1/records/notes/nowhere`, body && { body });
      expect({ status: reply.status, code: reply.json.code as string }).toEqual({
        status: 404,
        code: 'record-not-found',
      });
    }
  });

  test('once deleted is gone, and may come back with a higher version', async () => {
    const first = await put('/v1/records/notes/mortal', { n: 1 });
    const gone = await call('DELETE /v1/records/notes/mortal');
    expect(gone.status).toBe(200);
    expect((await call('GET /v1/records/notes/mortal')).status).toBe(404);
    expect((await call('DELETE /v1/records/notes/mortal')).status).toBe(404);
    const again = await put('/v1/records/notes/mortal', { n: 2 }, { 'if-none-match': '*' });
    expect(again.status).toBe(200);
    const versions = [first, gone, again].map(({ json }) => json.version as string);
    expect(versions).toEqual(versions.toSorted());
    expect(new Set(versions).size).toBe(3);
  });

  test('made without an id gets one, and the answer says where it stands', async () => {
    const made = await call('POST /v1/records/notes', { body: { n: 1 } });
    expect(made.status).toBe(201);
    expect(made.headers.location).toBe(`/v1/records/notes/${made.json.id as string}`);
    expect((await call(`GET ${made.headers.location ?? ''}`)).json).toEqual({ n: 1 });
  });

  test.each([
    'a/b',
    'a.b',
    '...',
    'ключ-🔑',
    'with space',
    '%2e',
    '?#&=+',
    'a'.repeat(255),
    '__proto__',
    'constructor',
  ])('may have the id "%s"', async (id) => {
    const path = `/v1/records/notes/${encodeURIComponent(id)}`;
    const { status, json } = await put(path, { id });
    expect({ status, id: json.id as string }).toEqual({ status: 200, id });
    expect((await call(`GET ${path}`)).json).toEqual({ id });
    const found = await call('POST /v1/records/notes/query', { body: { where: { 'doc.id': id } } });
    expect(found.json.records).toHaveLength(1);
    expect((await call(`DELETE ${path}`)).status).toBe(200);
  });

  test('of a free-form collection is an object; a key-value pair may be any JSON', async () => {
    for (const body of ['1', '"text"', 'null', '[1]', 'true']) {
      const refused = await put('/v1/records/notes/scalar', body);
      expect({ status: refused.status, code: refused.json.code as string }).toEqual({
        status: 422,
        code: 'invalid-request',
      });
      expect((await put('/v1/kv/scalar', body)).status).toBe(200);
      expect((await call('GET /v1/kv/scalar')).text).toBe(body);
    }
  });

  test('of one resource is another record in the next', async () => {
    const inOne = { 'holdfast-resource': 'app:one' };
    await put('/v1/records/notes/shared-id', { n: 0 });
    await put('/v1/records/notes/shared-id', { n: 1 }, inOne);
    expect((await call('GET /v1/records/notes/shared-id')).json).toEqual({ n: 0 });
    expect((await call('GET /v1/records/notes/shared-id', { headers: inOne })).json).toEqual({ n: 1 });
    await call('DELETE /v1/records/notes/shared-id', { headers: inOne });
    expect((await call('GET /v1/records/notes/shared-id')).json).toEqual({ n: 0 });
  });
});

describe('a precondition that does not hold stops the write', () => {
  const failed = { status: 412, code: 'precondition-failed' };
  const outcome = ({ status, json }: TestReply): unknown => ({ status, code: json?.code as unknown });

  test('If-Match: of another version', async () => {
    const first = await put('/v1/records/notes/matched', { n: 1 });
    const second = await put('/v1/records/notes/matched', { n: 2 }, { 'if-match': first.headers.etag ?? '' });
    expect(second.status).toBe(200);
    const stale = { 'if-match': first.headers.etag ?? '' };
    const refusal = await put('/v1/records/notes/matched', { n: 3 }, stale);
    expect(outcome(refusal)).toEqual(failed);
    expect(refusal.json.version).toBe(second.json.version);
    expect(outcome(await call('PATCH /v1/records/notes/matched', { body: { n: 3 }, headers: stale }))).toEqual(failed);
    expect(outcome(await call('DELETE /v1/records/notes/matched', { headers: stale }))).toEqual(failed);
    expect((await call('GET /v1/records/notes/matched')).json).toEqual({ n: 2 });
  });

  test('If-Match: * without a record, If-None-Match: * with one', async () => {
    expect(outcome(await put('/v1/kv/absent', 1, { 'if-match': '*' }))).toEqual(failed);
    expect((await put('/v1/kv/absent', 1, { 'if-none-match': '*' })).status).toBe(200);
    expect(outcome(await put('/v1/kv/absent', 2, { 'if-none-match': '*' }))).toEqual(failed);
    expect((await put('/v1/kv/absent', 3, { 'if-match': '*' })).status).toBe(200);
    expect((await call('GET /v1/kv/absent')).text).toBe('3');
  });

  test.each([
    { 'if-match': 'nonsense' },
    { 'if-match': '"a", "b"' },
    { 'if-none-match': '"0192f0c1a2b3-0001-7f3a9c21"' },
    { 'if-match': '*', 'if-none-match': '*' },
  ])('one that is not understood is refused, not ignored: %j', async (headers) => {
    expect(outcome(await put('/v1/kv/unclear', 1, headers))).toEqual({ status: 422, code: 'invalid-request' });
    expect((await call('GET /v1/kv/unclear')).status).toBe(404);
  });

  test('of many writers that compare and set, exactly one wins each round', async () => {
    await put('/v1/kv/counter', 0);
    for (let round = 1; round <= 5; round += 1) {
      const { headers } = await call('GET /v1/kv/counter');
      const writers = Array.from({ length: 16 }, () =>
        put('/v1/kv/counter', round, { 'if-match': headers.etag ?? '' }),
      );
      const statuses = (await Promise.all(writers)).map(({ status }) => status);
      expect(statuses.filter((status) => status === 200)).toHaveLength(1);
      expect(statuses.filter((status) => status === 412)).toHaveLength(15);
    }
  });
});

describe('a time to live', () => {
  test('hides the record once it is over, everywhere', async () => {
    expect((await put('/v1/kv/brief?ttl=60', '"here"')).status).toBe(200);
    await put('/v1/records/fleeting/one?ttl=60', { n: 1 });
    clock.advance(59_999);
    expect((await call('GET /v1/kv/brief')).text).toBe('"here"');
    const { json: listed } = await call('GET /v1/kv?prefix=brief');
    expect(listed.entries[0].expires_at).toBe(new Date(clock.now() + 1).toISOString());
    clock.advance(1);
    expect((await call('GET /v1/kv/brief')).status).toBe(404);
    expect((await call('GET /v1/kv?prefix=brief')).json.entries).toEqual([]);
    expect((await call('POST /v1/records/fleeting/query', { body: {} })).json.records).toEqual([]);
    expect((await call('PATCH /v1/records/fleeting/one', { body: {} })).status).toBe(404);
    expect((await put('/v1/kv/brief', '"back"', { 'if-none-match': '*' })).status).toBe(200);
    clock.advance(DAY_SECONDS * 1000);
    expect((await call('GET /v1/kv/brief')).text).toBe('"back"');
  });

  test('is kept by a patch, and given up by a put without one', async () => {
    await put('/v1/records/fleeting/patched?ttl=60', { n: 1 });
    await put('/v1/records/fleeting/replaced?ttl=60', { n: 1 });
    await call('PATCH /v1/records/fleeting/patched', { body: { n: 2 } });
    await put('/v1/records/fleeting/replaced', { n: 2 });
    clock.advance(60_000);
    expect((await call('GET /v1/records/fleeting/patched')).status).toBe(404);
    expect((await call('GET /v1/records/fleeting/replaced')).status).toBe(200);
  });

  test.each(['0', '-1', '1.5', 'x', '', '315360001', '1e400', 'Infinity'])('"%s" is refused', async (ttl) => {
    const { status, json } = await put(`/v1/kv/brief?ttl=${ttl}`, 1);
    expect({ status, code: json.code as string }).toEqual({ status: 422, code: 'invalid-request' });
  });
});

describe('key-value listing', () => {
  test('gives every key once, in order, a page at a time', async () => {
    const lister = await daemon.agent('lister');
    const keys = [...Array.from({ length: 23 }, (_, index) => `k:${index}`), 'j', 'l', 'k', 'k:\u{10FFFF}', 'k:ä'];
    const body = keys.map((id) => ({ op: 'put', collection: 'kv', id, doc: id }));
    await daemon.call('POST /v1/batch', { token: lister, body });
    const seen: string[] = [];
    let after = '';
    for (let pages = 0; pages < 100; pages += 1) {
      const { json } = await daemon.call(`GET /v1/kv?prefix=k:&limit=5${after}`, { token: lister });
      for (const { key, value } of json.entries as { key: string; value: unknown }[]) {
        expect(value).toBe(key);
        seen.push(key);
      }
      expect((json.entries as unknown[]).length).toBeLessThanOrEqual(5);
      if (json.next === null) break;
      expect(json.next).toBe(seen.at(-1));
      after = `&after=${encodeURIComponent(json.next as string)}`;
    }
    expect(seen).toEqual(keys.filter((key) => key.startsWith('k:')).toSorted(byBytes));
  });

  test('an exact last page has no next one', async () => {
    const lister = await daemon.agent('lister-two');
    for (const key of ['a', 'b']) await daemon.call(`PUT /v1/kv/${key}`, { token: lister, body: 1 });
    expect((await daemon.call('GET /v1/kv?limit=2', { token: lister })).json.next).toBeNull();
    expect((await daemon.call('GET /v1/kv?limit=1', { token: lister })).json.next).toBe('a');
  });

  test.each([
    'limit=0',
    'limit=1001',
    'limit=x',
    'unknown=1',
    'after=..',
    'after=',
    'limit=1&limit=2',
    'prefix=%00%ff',
  ])('?%s is refused', async (query) => {
    const { status, json } = await call(`GET /v1/kv?${query}`);
    expect({ status, code: json.code as string }).toEqual({ status: 422, code: 'invalid-request' });
  });
});

describe('a query', () => {
  const docs = Array.from({ length: 25 }, (_, index) => ({
    years: index % 7,
    status: index % 2 === 0 ? 'active' : 'idle',
    name: { last: `N${index}` },
  }));
  beforeAll(async () => {
    const body = docs.map((doc, index) => ({ op: 'put', collection: 'people', id: `c-${index}`, doc }));
    expect((await call('POST /v1/batch', { body })).status).toBe(200);
  });
  const query = (body: unknown): Promise<TestReply> => call('POST /v1/records/people/query', { body });

  test('finds by equality, range and nested field, in order, selected', async () => {
    const { json } = await query({
      where: { status: 'active', years: { gte: 3, lt: 6 } },
      orderBy: [{ years: 'desc' }, { 'name.last': 'asc' }],
      select: ['years'],
    });
    const wanted = docs
      .filter(({ status, years }) => status === 'active' && years >= 3 && years < 6)
      .map(({ years }) => ({ years }))
      .toSorted((one, other) => other.years - one.years);
    expect((json.records as { doc: unknown }[]).map(({ doc }) => doc)).toEqual(wanted);
    expect(wanted.length).toBeGreaterThan(3);
  });

  test('pages through everything once, also when records are written in between', async () => {
    const seen: string[] = [];
    let after: string | null | undefined;
    for (let pages = 0; after !== null && pages < 20; pages += 1) {
      const { json } = await query({ orderBy: [{ years: 'asc' }], limit: 4, ...(after !== undefined && { after }) });
      seen.push(...(json.records as { id: string }[]).map(({ id }) => id));
      after = json.next as string | null;
      await put(`/v1/records/people/late-${pages}`, { years: -1 });
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.filter((id) => id.startsWith('c-'))).toHaveLength(25);
  });

  test('counts, by group too', async () => {
    const where = { status: { in: ['active', 'idle'] } };
    const { json } = await query({ where, aggregate: { groupBy: ['status'], metrics: { n: { count: '*' } } } });
    expect(json.groups).toEqual([
      { status: 'active', n: 13 },
      { status: 'idle', n: 12 },
    ]);
  });

  test.each([
    [{ where: { "a'b": { like: 1 } } }],
    [{ where: { 'a"b': 1 } }],
    [{ where: { years: { $gt: 1 } } }],
    [{ limit: 0 }],
    [{ limit: 1001 }],
    [{ after: 'nonsense' }],
    [{ orderBy: [{ years: 'sideways' }] }],
    [{ orderBy: [{ a: 'asc', b: 'asc' }] }],
    [{ unknown: 1 }],
    [[]],
    [{ where: Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`f${index}`, 1])) }],
  ])('that is not one is refused: %j', async (body) => {
    const { status, json } = await query(body);
    expect({ status, code: json.code as string }).toEqual({ status: 422, code: 'invalid-request' });
  });
});

describe('an idempotency key', () => {
  const key = (name: string): Record<string, string> => ({ 'idempotency-key': name });

  test('gives the first answer again and writes once', async () => {
    const request = { body: { n: 1 }, headers: key('create-1') };
    const [first, second] = await Promise.all([
      call('POST /v1/records/orders', request),
      call('POST /v1/records/orders', request),
    ]);
    const third = await call('POST /v1/records/orders', request);
    expect(second.json).toEqual(first.json);
    expect(third.json).toEqual(first.json);
    expect(third.headers.location).toBe(first.headers.location);
    expect((await call('POST /v1/records/orders/query', { body: {} })).json.records).toHaveLength(1);
  });

  test('holds for a batch too', async () => {
    const request = { body: [{ op: 'put', collection: 'orders_b', doc: { n: 1 } }], headers: key('batch-1') };
    const first = await call('POST /v1/batch', request);
    expect(first.status).toBe(200);
    expect((await call('POST /v1/batch', request)).json).toEqual(first.json);
    expect((await call('POST /v1/records/orders_b/query', { body: {} })).json.records).toHaveLength(1);
  });

  test('is refused for another request, and is another one in another resource', async () => {
    await call('POST /v1/records/orders', { body: { n: 1 }, headers: key('twice') });
    for (const [target, body] of [
      ['POST /v1/records/orders', { n: 2 }],
      ['POST /v1/records/others', { n: 1 }],
      ['POST /v1/records/orders?ttl=5', { n: 1 }],
      ['POST /v1/batch', [{ op: 'put', collection: 'orders', doc: { n: 1 } }]],
    ] as const) {
      const { status, json } = await call(target, { body, headers: key('twice') });
      expect({ status, code: json.code as string }).toEqual({ status: 422, code: 'idempotency-mismatch' });
    }
    const elsewhere = { ...key('twice'), 'holdfast-resource': 'app:one' };
    expect((await call('POST /v1/records/others', { body: { n: 1 }, headers: elsewhere })).status).toBe(201);
  });

  test('remembers nothing of a request that failed', async () => {
    const first = await call('POST /v1/batch', {
      body: [{ op: 'delete', collection: 'orders', id: 'x' }],
      headers: key('failed'),
    });
    expect(first.status).toBe(404);
    await put('/v1/records/orders/x', { n: 1 });
    const second = await call('POST /v1/batch', {
      body: [{ op: 'delete', collection: 'orders', id: 'x' }],
      headers: key('failed'),
    });
    expect(second.status).toBe(200);
  });

  test('is forgotten after a day', async () => {
    const request = { body: { n: 1 }, headers: key('daily') };
    const first = await call('POST /v1/records/orders', request);
    clock.advance(DAY_SECONDS * 1000 - 1);
    expect((await call('POST /v1/records/orders', request)).json.id).toBe(first.json.id);
    clock.advance(1);
    expect((await call('POST /v1/records/orders', request)).json.id).not.toBe(first.json.id);
  });

  test.each(['', ' ', 'a b', 'ü', 'x'.repeat(256)])('"%s" is refused', async (bad) => {
    const { status } = await call('POST /v1/records/orders', {
      body: {},
      headers: { 'idempotency-key': Buffer.from(bad).toString('latin1') },
    });
    expect(status).toBe(422);
  });
});

function byBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
