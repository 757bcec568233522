import { limits, type LockLease } from '@holdfast/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { ModelRelay } from './support/model-relay.ts';
import { TestDaemon, type TestReply } from './support/test-daemon.ts';

let daemon: TestDaemon;
let ada: string;
let bob: string;
beforeEach(async () => {
  daemon = await TestDaemon.start();
  ada = await daemon.agent('ada');
  bob = await daemon.agent('bob');
});
afterEach(() => daemon[Symbol.asyncDispose]());

const acquire = (token: string, body: object = {}, name = 'billing', key?: string): Promise<TestReply> =>
  daemon.call(`POST /v1/locks/${name}`, { token, body, headers: { 'idempotency-key': key } });
const put = (token: string, key: string, ifFence: string | undefined, body: unknown = 1): Promise<TestReply> =>
  daemon.call(`PUT /v1/kv/${key}`, { token, body, headers: { 'if-fence': ifFence } });
const refusal = ({ status, json }: TestReply): unknown => ({ status, code: json?.code as unknown });
const metric = async (name: string): Promise<number> => {
  const { text } = await daemon.call('GET /metrics');
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.split(' ')[1],
  );
};

describe('a lock of the node', () => {
  test('is taken, shown, renewed and released', async () => {
    const { status, json } = await acquire(ada, { ttl_seconds: 60 });
    const lease = json as LockLease;
    expect(status).toBe(200);
    expect(lease).toEqual({
      name: 'billing',
      scope: 'node',
      lease: expect.stringMatching(/^node\.[0-9a-f]{32}$/) as unknown,
      fence: 1,
      if_fence: 'billing=1',
      ttl_seconds: 60,
    });
    const shown = { name: 'billing', scope: 'node', holder: { agent: 'ada' }, fence: 1, ttl_seconds: 60, waiting: 0 };
    const { text, json: listed } = await daemon.call('GET /v1/locks', { token: bob });
    expect(listed).toMatchObject({ locks: [shown], next: null });
    expect(text).not.toContain(lease.lease.split('.')[1]);
    expect((await daemon.call('GET /v1/locks/billing', { token: bob })).json).toMatchObject(shown);
    const renewed = await daemon.call(`POST /v1/leases/${lease.lease}/renew`, {
      token: ada,
      body: { ttl_seconds: 90 },
    });
    expect(renewed.json).toEqual({ ...lease, ttl_seconds: 90 });
    for (let time = 0; time < 2; time += 1) {
      expect((await daemon.call(`DELETE /v1/leases/${lease.lease}`, { token: ada })).status).toBe(204);
    }
    const late = await daemon.call(`POST /v1/leases/${lease.lease}/renew`, { token: ada, body: {} });
    expect(refusal(late)).toEqual({ status: 409, code: 'lease-lost' });
    expect(refusal(await daemon.call('GET /v1/locks/billing', { token: ada }))).toEqual({
      status: 404,
      code: 'lock-not-held',
    });
  });

  test('is refused while it is held, with who holds it and when to ask again', async () => {
    await acquire(ada, { ttl_seconds: 60 });
    const refused = await acquire(bob);
    expect(refusal(refused)).toEqual({ status: 409, code: 'lock-held' });
    expect(refused.json.holder).toEqual({ agent: 'ada' });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(60);
    expect(refusal(await acquire(ada))).toEqual({ status: 409, code: 'lock-held' });
  });

  test('is waited for, and metrics tell of it', async () => {
    const { json: first } = await acquire(ada);
    const waiting = acquire(bob, { wait_seconds: 60 });
    await expect.poll(() => metric('holdfast_lock_waiters')).toBe(1);
    await daemon.call(`DELETE /v1/leases/${first.lease}`, { token: ada });
    expect((await waiting).json.fence).toBeGreaterThan(first.fence as number);
    expect(await metric('holdfast_locks_held')).toBe(1);
    expect(await metric('holdfast_leases_granted_total')).toBe(2);
    expect(await metric('holdfast_leases_expired_total')).toBe(0);
    expect(await metric('holdfast_lock_waiters')).toBe(0);
  });

  test('is not given to somebody whose connection is gone', async () => {
    const { json: first } = await acquire(ada);
    const leaving = new AbortController();
    const cut = fetch(`${daemon.url}/v1/locks/billing`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bob}`, 'content-type': 'application/json' },
      body: '{"wait_seconds":60}',
      signal: leaving.signal,
    });
    cut.catch(() => undefined);
    await expect.poll(() => metric('holdfast_lock_waiters')).toBe(1);
    leaving.abort();
    await expect.poll(() => metric('holdfast_lock_waiters')).toBe(0);
    await daemon.call(`DELETE /v1/leases/${first.lease}`, { token: ada });
    expect((await acquire(ada)).status).toBe(200);
  });

  test('is one and the same for a request that is made again under its key', async () => {
    const { json: lease } = await acquire(ada, {}, 'billing', 'k-1');
    expect((await acquire(ada, { wait_seconds: 1 }, 'billing', 'k-1')).json).toEqual(lease);
    expect(refusal(await acquire(bob, {}, 'billing', 'k-1'))).toEqual({ status: 409, code: 'lock-held' });
    expect(refusal(await acquire(ada, { ttl_seconds: 5 }, 'billing', 'k-1'))).toEqual({
      status: 422,
      code: 'idempotency-mismatch',
    });
  });

  test('of one resource means nothing to another', async () => {
    const one = await daemon.boundToken('ada', 'app:one');
    const { json: lease } = await acquire(one);
    expect((await acquire(ada)).status).toBe(200);
    const other = await daemon.call(`POST /v1/leases/${lease.lease}/renew`, { token: ada, body: {} });
    expect(refusal(other)).toEqual({ status: 409, code: 'lease-lost' });
    expect((await daemon.call('GET /v1/locks', { token: one })).json.locks).toHaveLength(1);
  });

  test('is listed page by page', async () => {
    for (const name of ['c', 'a', 'b']) await acquire(ada, {}, name);
    const first = await daemon.call('GET /v1/locks?limit=2', { token: ada });
    expect(first.json).toMatchObject({ locks: [{ name: 'a' }, { name: 'b' }], next: 'b' });
    const second = await daemon.call(`GET /v1/locks?limit=2&after=${first.json.next}`, { token: ada });
    expect(second.json).toMatchObject({ locks: [{ name: 'c' }], next: null });
  });

  test.each([
    ['a%2Fb', {}],
    ['a%3Db', {}],
    ['billing', { ttl_seconds: 0 }],
    ['billing', { ttl_seconds: limits.leaseSeconds + 1 }],
    ['billing', { wait_seconds: limits.lockWaitSeconds + 1 }],
    ['billing', { scope: 'world' }],
  ])('is refused as %s with %j', async (name, body) => {
    expect(refusal(await acquire(ada, body, name))).toEqual({ status: 422, code: 'invalid-request' });
  });
});

test('without a relay a lock of the network is refused in words, and one of the node is not', async () => {
  for (const call of [
    acquire(ada, { scope: 'network' }),
    daemon.call('GET /v1/locks?scope=network', { token: ada }),
    daemon.call('GET /v1/locks/billing?scope=network', { token: ada }),
    daemon.call(`DELETE /v1/leases/network.${'0'.repeat(32)}`, { token: ada }),
  ]) {
    expect(refusal(await call)).toEqual({ status: 503, code: 'not-enrolled' });
  }
  expect((await acquire(ada)).status).toBe(200);
});

test('a relay that is older than locks is told of in words', async () => {
  await using relay = await ModelRelay.start();
  await daemon.call('POST /v1/node/join', { body: { relay: relay.url, token: 'join', name: 'test-node' } });
  await expect.poll(async () => (await daemon.call('GET /v1/node')).json.relay.state as string).toBe('open');
  expect(refusal(await acquire(ada, { scope: 'network' }))).toEqual({ status: 501, code: 'call-unsupported' });
});

describe('a write that says under which lock it is done', () => {
  test('is refused once a later holder wrote, by every call, and nothing of it is written', async () => {
    expect((await put(ada, 'a', 'billing=7')).status).toBe(200);
    expect((await put(ada, 'a', 'billing=7', 2)).status).toBe(200);
    expect((await put(ada, 'a', 'billing=8', 3)).status).toBe(200);
    const headers = { 'if-fence': 'billing=7' };
    const operation = { op: 'put', collection: 'notes', id: 'n', doc: {} };
    const calls: [string, object?][] = [
      ['PUT /v1/kv/a', { body: 4 }],
      ['DELETE /v1/kv/a'],
      ['PUT /v1/records/notes/n', { body: {} }],
      ['POST /v1/records/notes', { body: {} }],
      ['PATCH /v1/records/kv/a', { body: {}, headers: { ...headers, 'content-type': 'application/merge-patch+json' } }],
      ['DELETE /v1/records/kv/a'],
      ['PUT /v1/collections/notes', { body: { fields: {} } }],
      ['POST /v1/batch', { body: [operation] }],
    ];
    for (const [target, call] of calls) {
      const refused = await daemon.call(target, { token: ada, headers, ...call });
      expect({ target, ...(refusal(refused) as object) }).toEqual({ target, status: 412, code: 'fence-stale' });
    }
    const ndjson = { ...headers, 'content-type': 'application/x-ndjson' };
    const { lines } = await daemon.call('POST /v1/batch', {
      token: ada,
      headers: ndjson,
      body: `${JSON.stringify(operation)}\n`,
    });
    expect(lines).toMatchObject([
      { line: 1, error: { code: 'fence-stale' } },
      { end: true, written: 0 },
    ]);
    expect((await daemon.call('GET /v1/kv/a', { token: ada })).json).toBe(3);
    expect((await daemon.call('GET /v1/records/notes/n', { token: ada })).status).toBe(404);
  });

  test('is judged by lock, scope, resource and agent, and by all it names', async () => {
    await put(ada, 'a', 'billing=7, network/billing=3');
    expect((await put(ada, 'a', 'other=1')).status).toBe(200);
    expect((await put(ada, 'a', 'network/billing=4')).status).toBe(200);
    expect((await put(bob, 'a', 'billing=1')).status).toBe(200);
    expect((await put(await daemon.boundToken('ada', 'app:one'), 'a', 'billing=1')).status).toBe(200);
    expect(refusal(await put(ada, 'a', 'other=2,billing=6'))).toEqual({ status: 412, code: 'fence-stale' });
    expect((await put(ada, 'a', 'other=1')).status).toBe(200);
  });

  test('raises nothing when it is refused for something else', async () => {
    const headers = { 'if-fence': 'billing=9', 'if-match': '*' };
    const refused = await daemon.call('PUT /v1/kv/none', { token: ada, body: 1, headers });
    expect(refusal(refused)).toEqual({ status: 412, code: 'precondition-failed' });
    expect((await put(ada, 'a', 'billing=8')).status).toBe(200);
  });

  test('is answered as before when it is repeated under its key, though its lease has ended', async () => {
    const call = { token: ada, body: {}, headers: { 'if-fence': 'billing=1', 'idempotency-key': 'k' } };
    const first = await daemon.call('POST /v1/records/notes', call);
    await put(ada, 'a', 'billing=2');
    expect((await daemon.call('POST /v1/records/notes', call)).json).toEqual(first.json);
  });

  test('is judged so after a restart too', async () => {
    await put(ada, 'a', 'billing=7');
    await daemon.stop();
    await using again = await TestDaemon.start({ directory: daemon.directory });
    const headers = { 'if-fence': 'billing=6' };
    expect((await again.call('PUT /v1/kv/a', { token: ada, body: 1, headers })).status).toBe(412);
  });

  test.each(['billing', 'billing=', 'billing=-1', '=1', 'a=1,,b=2', 'else/billing=1', 'billing=9999999999999999'])(
    'is refused as %j',
    async (ifFence) => {
      expect(refusal(await put(ada, 'a', ifFence))).toEqual({ status: 422, code: 'invalid-request' });
    },
  );
});
