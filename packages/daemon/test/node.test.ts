import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { freePort } from '@holdfast/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { ModelRelay } from './support/model-relay.ts';
import { type AnyJson, TestDaemon, type TestReply } from './support/test-daemon.ts';

let relay: ModelRelay;

beforeEach(async () => {
  relay = await ModelRelay.start();
});
afterEach(() => relay[Symbol.asyncDispose]());

const outcome = ({ status, json }: TestReply): unknown => ({ status, code: json?.code as unknown });
const joinRelay = (daemon: TestDaemon, url = relay.url): Promise<TestReply> =>
  daemon.call('POST /v1/node/join', { body: { relay: url, token: 'join-token', name: 'attic' } });
const linkOf = async (daemon: TestDaemon): Promise<string> =>
  ((await daemon.call('GET /v1/node')).json.relay as { state: string }).state;

describe('joining a relay', () => {
  test('enrols the node, and what was written before goes up', async () => {
    await using daemon = await TestDaemon.start();
    const token = await daemon.agent('ada');
    await daemon.call('PUT /v1/records/notes/one', { token, body: '{"b":1,"a":"ключ"}' });
    const joined = await joinRelay(daemon);
    expect({ status: joined.status, json: joined.json as unknown }).toEqual({
      status: 200,
      json: { node: 'attic', relay: relay.url },
    });
    expect(relay.calls[0]).toMatchObject({ path: '/relay/join', body: { node: 'attic' } });
    expect(relay.calls[0]?.headers.authorization).toBe('Bearer join-token');
    await relay.until(() => relay.documents('ada')['notes/one'] === '{"b":1,"a":"ключ"}');
    await expect.poll(async () => (await daemon.call('GET /v1/status', { token })).json.sync as string).toBe('clean');
    const { json: status } = await daemon.call('GET /v1/node');
    expect(status).toMatchObject({ node: 'attic', relay: { url: relay.url, state: 'open', error: null } });
    expect(status.agents).toMatchObject([
      { agent: 'ada', seq: 1, acked_seq: 1, outbox: { records: 0, oldest_seconds: null } },
    ]);
    expect(JSON.stringify([joined.json, status])).not.toContain(relay.credential);
    expect((await daemon.call('GET /metrics')).text).toMatch(/holdfast_link_open 1\n/);
  });

  test('is remembered over a restart, and the new start tells of the one before until the relay knows it', async () => {
    await using daemon = await TestDaemon.start();
    const token = await daemon.agent('ada');
    await joinRelay(daemon);
    await daemon.call('PUT /v1/kv/a?ack=relay&timeout=30', { token, body: 1 });
    await daemon.stop();
    const boots = relay.callsOf('/relay/session').map(({ body }) => body.boot as string);
    expect(new Set(boots).size).toBe(1);
    relay.fail('/relay/session', { kind: 'hang' });
    for (let starts = 0; starts < 2; starts += 1) {
      const session = relay.next('/relay/session');
      const again = await TestDaemon.start({ directory: daemon.directory });
      const { body } = await session;
      expect(body.predecessors).toEqual(boots.toReversed());
      boots.push(body.boot as string);
      await again.stop();
    }
    relay.heal();
    await using last = await TestDaemon.start({ directory: daemon.directory });

    await expect.poll(() => linkOf(last)).toBe('open');
    expect((await last.call('PUT /v1/kv/b?ack=relay&timeout=30', { token, body: 2 })).json.ack).toBe('relay');
    expect(relay.documents('ada')).toEqual({ 'kv/a': '1', 'kv/b': '2' });
  });

  test('happens once', async () => {
    await using daemon = await TestDaemon.start();
    await joinRelay(daemon);
    expect(outcome(await joinRelay(daemon))).toEqual({ status: 409, code: 'already-enrolled' });
    expect(relay.callsOf('/relay/join')).toHaveLength(1);
  });

  test.each([
    [401, 'unauthenticated', 403, 'join-token-refused'],
    [403, 'join-token-refused', 403, 'join-token-refused'],
    [409, 'node-exists', 409, 'node-exists'],
    [500, 'internal', 503, 'relay-unreachable'],
    [404, undefined, 503, 'relay-unreachable'],
  ])(
    'the relay’s %d %s is told as %d %s, and leaves the node free to try again',
    async (status, relayCode, wanted, code) => {
      await using daemon = await TestDaemon.start();
      relay.fail('/relay/join', { kind: 'answer', status, body: { code: relayCode } }, 1);
      expect(outcome(await joinRelay(daemon))).toEqual({ status: wanted, code });
      relay.heal();
      expect((await joinRelay(daemon)).status).toBe(200);
    },
  );

  test('a relay that is not there, breaks off or talks nonsense is unreachable', async () => {
    await using daemon = await TestDaemon.start();
    const nowhere = `http://127.0.0.1:${await freePort()}`;
    expect(outcome(await joinRelay(daemon, nowhere))).toEqual({ status: 503, code: 'relay-unreachable' });
    for (const fault of [
      { kind: 'reset' },
      { kind: 'half-answer' },
      { kind: 'answer', status: 201, body: '{}' },
    ] as const) {
      relay.fail('/relay/join', fault, 1);
      expect(outcome(await joinRelay(daemon))).toEqual({ status: 503, code: 'relay-unreachable' });
      relay.heal();
    }
    expect((await daemon.call('GET /v1/node')).json.node).toBeNull();
  });

  test.each([
    { relay: 'not a url', token: 't', name: 'n' },
    { relay: 'http://127.0.0.1:1', token: 't', name: '..' },
    { relay: 'http://127.0.0.1:1', token: 't'.repeat(501), name: 'n' },
    { relay: 'http://127.0.0.1:1', name: 'n' },
  ])('a request for it that makes no sense is refused: %j', async (body) => {
    await using daemon = await TestDaemon.start();
    expect(outcome(await daemon.call('POST /v1/node/join', { body }))).toEqual({
      status: 422,
      code: 'invalid-request',
    });
  });
});

describe('?ack=relay', () => {
  test('is answered 200 "relay" with the relay there, 202 "local" without', async () => {
    await using daemon = await TestDaemon.start();
    const token = await daemon.agent('ada');
    const calls = [
      ['PUT /v1/records/notes/a?ack=relay', {}],
      ['PATCH /v1/records/notes/a?ack=relay', {}],
      ['DELETE /v1/records/notes/a?ack=relay'],
      ['POST /v1/records/notes?ack=relay', {}],
      ['PUT /v1/kv/a?ack=relay', 1],
      ['DELETE /v1/kv/a?ack=relay'],
      ['POST /v1/batch?ack=relay', [{ op: 'put', collection: 'notes', doc: {} }]],
    ] as const;
    for (const [target, body] of calls) {
      const { status, json } = await daemon.call(target, { token, ...(body !== undefined && { body }) });
      expect({ target, status, ack: json.ack as string }).toEqual({ target, status: 202, ack: 'local' });
    }
    await joinRelay(daemon);
    await expect.poll(() => linkOf(daemon)).toBe('open');
    for (const [target, body] of calls) {
      const { status, json } = await daemon.call(`${target}&timeout=30`, {
        token,
        ...(body !== undefined && { body }),
      });
      const wanted = target.startsWith('POST /v1/records') ? 201 : 200;
      expect({ target, status, ack: json.ack as string }).toEqual({ target, status: wanted, ack: 'relay' });
    }
    await relay[Symbol.asyncDispose]();
    expect((await daemon.call('PUT /v1/kv/b?ack=relay&timeout=0.1', { token, body: 1 })).status).toBe(202);
    relay = await ModelRelay.start();
  });

  test.each(['ack=remote', 'ack=', 'timeout=31', 'timeout=-1', 'timeout=x', 'ack=relay&ack=relay'])(
    '?%s is refused',
    async (query) => {
      await using daemon = await TestDaemon.start();
      const token = await daemon.agent('ada');
      expect(outcome(await daemon.call(`PUT /v1/kv/a?${query}`, { token, body: 1 }))).toEqual({
        status: 422,
        code: 'invalid-request',
      });
    },
  );
});

describe('dead letters', () => {
  test('are listed, sent again and dropped, and none of it touches the record here', async () => {
    await using daemon = await TestDaemon.start();
    const token = await daemon.agent('ada');
    await daemon.agent('bob');
    relay.refusal = ({ id }) => (id.startsWith('bad') ? { code: 'poison', reason: 'not this one' } : undefined);
    await joinRelay(daemon);
    for (const id of ['good', 'bad-1', 'bad-2']) {
      const headers = { 'holdfast-resource': 'app:one' };
      await daemon.call(`PUT /v1/records/notes/${id}?ack=relay&timeout=30`, { token, headers, body: { id } });
    }
    const list = async (): Promise<AnyJson[]> =>
      (await daemon.call('GET /v1/dead-letters')).json.dead_letters as AnyJson[];
    await expect.poll(async () => (await list()).length).toBe(2);
    const letters = await list();
    expect(letters[0]).toEqual({
      id: expect.any(String) as string,
      agent: 'ada',
      resource: 'app:one',
      collection: 'notes',
      record: 'bad-1',
      version: expect.any(String) as string,
      seq: expect.any(Number) as number,
      code: 'poison',
      reason: 'not this one',
      rejected_at: expect.any(String) as string,
    });
    expect((await daemon.call('GET /v1/status', { token })).json.dead_letters).toBe(2);
    relay.refusal = () => undefined;
    expect((await daemon.call(`POST /v1/dead-letters/ada/${letters[0].id as string}/retry`)).status).toBe(204);
    await relay.until(() => relay.documents('ada')['notes/bad-1'] !== undefined);
    expect((await daemon.call(`DELETE /v1/dead-letters/ada/${letters[1].id as string}`)).status).toBe(204);
    expect(await list()).toEqual([]);
    expect(relay.documents('ada')['notes/bad-2']).toBeUndefined();
    const read = await daemon.call('GET /v1/records/notes/bad-2', {
      token,
      headers: { 'holdfast-resource': 'app:one' },
    });
    expect(read.json).toEqual({ id: 'bad-2' });
  });

  test('that are not there are not found', async () => {
    await using daemon = await TestDaemon.start();
    await daemon.agent('ada');
    for (const target of ['POST /v1/dead-letters/ada/1/retry', 'DELETE /v1/dead-letters/ada/1']) {
      expect(outcome(await daemon.call(target))).toEqual({ status: 404, code: 'dead-letter-not-found' });
      expect(outcome(await daemon.call(target.replace('ada', 'nobody')))).toEqual({
        status: 404,
        code: 'agent-not-found',
      });
      expect(outcome(await daemon.call(target.replace('/1', '/x')))).toEqual({ status: 422, code: 'invalid-request' });
    }
  });
});

describe('status', () => {
  test('says why a stream waits, and that it does no more once the relay takes it', async () => {
    await using daemon = await TestDaemon.start();
    const token = await daemon.agent('ada');
    await joinRelay(daemon);
    await expect.poll(() => linkOf(daemon)).toBe('open');
    const shown = async (): Promise<AnyJson> => (await daemon.call('GET /v1/status', { token })).json;
    relay.fail('/relay/batch', { kind: 'answer', status: 500 });
    await daemon.call('PUT /v1/kv/a', { token, body: 1 });
    await expect.poll(async () => (await shown()).sync_error as unknown).toMatch(/500/);
    relay.heal();
    await expect.poll(shown).toMatchObject({ sync: 'clean', sync_error: null });
  });

  test('calls the two copies equal only while the relay is heard of', async () => {
    await using daemon = await TestDaemon.start({ config: { 'sync.heartbeatSeconds': 1 } });
    const token = await daemon.agent('ada');
    await joinRelay(daemon);
    await daemon.call('PUT /v1/kv/k?ack=relay', { token, body: 1 });
    const digest = async (): Promise<unknown> =>
      (await daemon.call('GET /v1/status', { token })).json.digest as unknown;
    await expect.poll(digest, { timeout: 10_000 }).toBe('equal');
    await relay[Symbol.asyncDispose]();
    await expect.poll(() => linkOf(daemon), { timeout: 10_000 }).toBe('waiting');
    expect(await digest()).toBe('unknown');
  });

  test('tells of the outbox by the agent’s own clock, and of collections by what is in them', async () => {
    const clock = { ms: Date.UTC(2026, 10, 20) };
    await using daemon = await TestDaemon.start({ now: () => clock.ms });
    const token = await daemon.agent('ada');
    await daemon.call('PUT /v1/kv/a', { token, body: 1 });
    await daemon.call('PUT /v1/records/notes/a', { token, body: {} });
    await daemon.call('DELETE /v1/records/notes/a', { token });
    clock.ms += 90_000;
    const { json } = await daemon.call('GET /v1/status', { token });
    expect(json).toMatchObject({
      agent: 'ada',
      records: 1,
      seq: 3,
      acked_seq: 0,
      outbox: { records: 2, oldest_seconds: 90 },
      last_ack_at: null,
      sync: 'held',
      sync_error: null,
      dead_letters: 0,
    });
    expect(json.bytes).toBeGreaterThan(0);
    clock.ms -= 365 * 86_400_000;
    expect((await daemon.call('GET /v1/status', { token })).json.outbox.oldest_seconds).toBe(0);
    const { json: collections } = await daemon.call('GET /v1/collections', { token });
    const found = collections.collections as { name: string }[];
    expect(found.find(({ name }) => name === 'kv')).toMatchObject({ kind: 'built-in', document: 'any', records: 1 });
    expect(found.find(({ name }) => name === 'notes')).toMatchObject({
      kind: 'free-form',
      document: 'object',
      records: 0,
    });
    expect(outcome(await daemon.call('GET /v1/collections/unknown', { token }))).toEqual({
      status: 404,
      code: 'collection-not-found',
    });
  });
});

describe('a restart', () => {
  test('keeps every record and its version, and versions go on growing with the clock ten years back', async () => {
    const clock = { ms: Date.UTC(2026, 10, 20) };
    await using daemon = await TestDaemon.start({ now: () => clock.ms });
    const token = await daemon.agent('ada');
    const { headers } = await daemon.call('PUT /v1/records/notes/a', { token, body: { n: 1 } });
    await daemon.stop();
    clock.ms -= 10 * 365 * 86_400_000;
    await using again = await TestDaemon.start({ directory: daemon.directory, now: () => clock.ms });
    const read = await again.call('GET /v1/records/notes/a', { token });
    expect({ text: read.text, etag: read.headers.etag }).toEqual({ text: '{"n":1}', etag: headers.etag });
    const { headers: later } = await again.call('PUT /v1/records/notes/a', { token, body: { n: 2 } });
    expect((later.etag ?? '') > (headers.etag ?? '')).toBe(true);
    const about = JSON.parse(readFileSync(join(again.directory, 'service.json'), 'utf8')) as { url: string };
    expect(about.url).toBe(again.url);
  });
});
