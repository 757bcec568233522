import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { type DaemonRouteId, daemonRoutes, problemSchema, type Route } from '@holdfast/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { HttpCaller } from './support/http-call.ts';
import { ModelRelay } from './support/model-relay.ts';
import { hasEnd, lets, routeIds, sampleCall, SECRET, SECRET_PATHS, setStage, type Stage } from './support/samples.ts';
import { TestDaemon, type TestReply } from './support/test-daemon.ts';

const agentRoutes = routeIds.filter((id) => lets(id, 'agent'));
const adminOnlyRoutes = routeIds.filter((id) => !lets(id, 'agent'));

function expectProblem(reply: TestReply, status: number, code: string): void {
  expect({ status: reply.status, code: reply.json?.code as unknown }).toEqual({ status, code });
  expect(reply.headers['content-type']).toBe('application/problem+json');
  expect(problemSchema.parse(reply.json).type).toBe(`urn:holdfast:error:${code}`);
}

describe('every route', () => {
  let daemon: TestDaemon;
  let relay: ModelRelay;
  let stage: Stage;

  beforeAll(async () => {
    daemon = await TestDaemon.start();
    relay = await ModelRelay.start();
    stage = await setStage(daemon, relay);
  });
  afterAll(async () => {
    await daemon[Symbol.asyncDispose]();
    await relay[Symbol.asyncDispose]();
  });

  const call = (id: DaemonRouteId, extra: object): Promise<TestReply> => {
    const [target, sample] = sampleCall(id, stage);
    return daemon.call(target, { ...sample, ...extra });
  };
  const adasData = async (): Promise<string[]> => {
    const found: string[] = [];
    for (const token of [stage.ada, stage.adaOne]) {
      for (const path of SECRET_PATHS) {
        const { text, headers } = await daemon.call(`GET ${path}`, { token });
        found.push(`${path} ${headers.etag ?? ''} ${text}`);
      }
    }
    return found;
  };

  test.each(routeIds)('%s needs a token', async (id) => {
    expectProblem(await call(id, { token: null }), 401, 'unauthenticated');
  });

  test.each(routeIds)('%s refuses a token nobody was given', async (id) => {
    const wrongSecret = stage.ada.replace(/_(.)/, (_, digit: string) => `_${digit === '0' ? '1' : '0'}`);
    for (const token of [
      'hf_x',
      `hf_${'0'.repeat(12)}_${'0'.repeat(64)}_00000000`,
      wrongSecret,
      stage.ada.slice(0, -1),
    ]) {
      const reply = await call(id, { token });
      expectProblem(reply, 401, 'unauthenticated');
      expect(reply.headers['www-authenticate']).toContain('Bearer');
    }
  });

  test.each(routeIds)(
    '%s refuses what a web page could send, and a foreign Host, before it looks at the token',
    async (id) => {
      const port = new URL(daemon.url).port;
      const pages = [
        { origin: 'http://evil.example' },
        { origin: 'null' },
        { origin: daemon.url },
        { referer: 'http://evil.example/' },
        { 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'same-site' },
        { 'sec-fetch-site': 'same-origin' },
      ];
      for (const headers of pages) {
        expectProblem(await call(id, { token: null, headers }), 403, 'forbidden-origin');
      }
      for (const host of [
        'evil.example',
        `evil.example:${port}`,
        '127.0.0.1',
        `127.0.0.1:1`,
        `127.0.0.1.:${port}`,
        `0:${port}`,
      ]) {
        expectProblem(await call(id, { token: null, headers: { host } }), 403, 'forbidden-host');
      }
    },
  );

  test.each(adminOnlyRoutes)('%s is closed to agents', async (id) => {
    expectProblem(await call(id, { token: stage.ada }), 403, 'forbidden');
  });

  test.each(routeIds)("%s refuses an agent's token that names another agent", async (id) => {
    expectProblem(await call(id, { token: stage.bob, headers: { 'holdfast-agent': 'ada' } }), 403, 'forbidden');
  });

  test.each(routeIds)('%s refuses a token bound to one resource that names another, or none', async (id) => {
    for (const resource of ['app:two', '']) {
      const headers = { 'holdfast-resource': resource };
      expectProblem(await call(id, { token: stage.adaOne, headers }), 403, 'forbidden');
    }
  });

  test.each(agentRoutes.filter(hasEnd))(
    '%s shows nothing of another agent or another resource, and changes nothing there',
    async (id) => {
      const before = await adasData();
      expect(before.every((line) => line.includes(SECRET))).toBe(true);
      const strangers = [
        { token: stage.bob },
        { token: stage.bob, headers: { 'holdfast-resource': 'app:one' } },
        { token: stage.ada, headers: { 'holdfast-resource': 'app:two' } },
        { headers: { 'holdfast-agent': 'bob' } },
        { headers: { 'holdfast-agent': 'ada', 'holdfast-resource': 'app:two' } },
      ];
      // A cached value has none.
      const versions = before.flatMap((line) => /^\S+ "([^"]+)"/.exec(line)?.[1] ?? []);
      expect(versions).toHaveLength(before.length - 2);
      for (const stranger of strangers) {
        const { text, headers } = await call(id, stranger);
        expect(text + JSON.stringify(headers)).not.toContain(SECRET);
        for (const version of versions) expect(text + JSON.stringify(headers)).not.toContain(version);
      }
      expect(await adasData()).toEqual(before);
    },
  );

  // Queries of the network and its copies, and statistics, are then about the whole node.
  const ofNode: ReadonlySet<string> = new Set(['network.query', 'replica.query', 'replica.get', 'statistics']);
  const ofOneAgent = agentRoutes.filter((id) => !ofNode.has(id));
  test.each(ofOneAgent)('%s asks an admin for which agent', async (id) => {
    expectProblem(await call(id, {}), 422, 'invalid-request');
    expectProblem(await call(id, { headers: { 'holdfast-agent': 'nobody' } }), 404, 'agent-not-found');
  });

  test.each(['..', '.', '%2e', '%2E%2e', 'a/b', 'A', '', ' ', 'é', 'a'.repeat(64), 'a'.repeat(300)])(
    'no route takes "%s" for the name of an agent',
    async (name) => {
      for (const id of routeIds) {
        const headers = { 'holdfast-agent': encodeURI(name) };
        expectProblem(await call(id, { headers }), 422, 'invalid-request');
      }
    },
  );

  // The last one here: it uses the samples up. A node that has agents takes nobody over, and without a relay it has copies of nothing.
  const unusable: ReadonlySet<string> = new Set(['node.adopt', 'replica.get']);
  const usable = routeIds.filter((id) => hasEnd(id) && !id.startsWith('dead-letter.') && !unusable.has(id));
  test.each(usable)('%s does what it is for', async (id) => {
    const route: Route = daemonRoutes[id];
    const asAdmin = { headers: { 'holdfast-agent': 'ada' } };
    await daemon.call('PUT /v1/kv/secret', { ...asAdmin, body: {} });
    await daemon.call('PUT /v1/records/notes/secret', { ...asAdmin, body: {} });
    await daemon.call('PUT /v1/collections/secret', { ...asAdmin, body: {} });
    await daemon.call('PUT /v1/subscriptions/candidates', { body: { collections: ['candidates'] } });
    const reply = await call(id, asAdmin);
    expect(reply.status).toBe(route.status);
    expect(reply.text === '').toBe(route.answer.kind === 'none');
    expect(reply.headers['content-type']).toBe(reply.text === '' ? undefined : 'application/json');
    if ('schema' in route.answer) route.answer.schema.parse(reply.json);
  });
});

describe('tokens', () => {
  test('the data directory, the admin token and the socket are the owner’s alone, and no secret is stored', async () => {
    await using daemon = await TestDaemon.start();
    const token = await daemon.agent('ada');
    const { statSync } = await import('node:fs');
    const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
    expect(mode(daemon.directory)).toBe('700');
    expect(mode(join(daemon.directory, 'agents'))).toBe('700');
    expect(mode(join(daemon.directory, 'admin.token'))).toBe('600');
    expect(mode(daemon.socketPath ?? '')).toBe('600');
    await daemon.stop();
    const database = readFileSync(join(daemon.directory, 'node.db'), 'latin1');
    for (const secret of [token, daemon.adminToken]) {
      expect(database).not.toContain(secret);
      expect(database).not.toContain(secret.split('_')[2]);
    }
  });

  test('a revoked token is refused from then on, the others of its agent are not', async () => {
    await using daemon = await TestDaemon.start();
    const first = await daemon.agent('ada');
    const { json } = await daemon.call('POST /v1/agents/ada/tokens', { body: {} });
    const second = json.token as string;
    expect((await daemon.call('GET /v1/status', { token: second })).status).toBe(200);
    expect((await daemon.call(`DELETE /v1/agents/ada/tokens/${json.id as string}`)).status).toBe(204);
    expectProblem(await daemon.call('GET /v1/status', { token: second }), 401, 'unauthenticated');
    expect((await daemon.call('GET /v1/status', { token: first })).status).toBe(200);
    const { json: list } = await daemon.call('GET /v1/agents');
    expect(list.agents[0].tokens).toHaveLength(1);
    expect(JSON.stringify(list)).not.toContain(first.split('_')[2]);
  });

  test('what cannot be a token id is refused in words', async () => {
    await using daemon = await TestDaemon.start();
    await daemon.agent('ada');
    const { status, json } = await daemon.call('DELETE /v1/agents/ada/tokens/zzz');
    expect(status).toBe(422);
    expect(json.detail).toMatch(/a token id is 12 hexadecimal digits, as `holdfast agent list` shows it$/);
  });

  test('revoking through another agent leaves the token alone', async () => {
    await using daemon = await TestDaemon.start();
    const ada = await daemon.agent('ada');
    await daemon.agent('bob');
    const id = ada.split('_')[1] ?? '';
    expect((await daemon.call(`DELETE /v1/agents/bob/tokens/${id}`)).status).toBe(204);
    expect((await daemon.call('GET /v1/status', { token: ada })).status).toBe(200);
    expectProblem(await daemon.call(`DELETE /v1/agents/nobody/tokens/${id}`), 404, 'agent-not-found');
  });

  test('a token bound to a resource learns nothing of the agent as a whole', async () => {
    await using daemon = await TestDaemon.start();
    const ada = await daemon.agent('ada');
    await daemon.call('PUT /v1/records/secrets/a', { token: ada, body: {} });
    const one = await daemon.boundToken('ada', 'app:one');
    for (const call of ['GET /v1/status', 'GET /v1/collections', 'GET /v1/collections/secrets']) {
      expectProblem(await daemon.call(call, { token: one }), 403, 'forbidden');
      expect((await daemon.call(call, { token: ada })).status).toBe(200);
    }
  });

  test('tokens, agents and revocations outlive a restart', async () => {
    await using daemon = await TestDaemon.start();
    const ada = await daemon.agent('ada');
    const one = await daemon.boundToken('ada', 'app:one');
    await daemon.call(`DELETE /v1/agents/ada/tokens/${ada.split('_')[1] ?? ''}`);
    await daemon.stop();
    await using again = await TestDaemon.start({ directory: daemon.directory });
    expectProblem(await again.call('GET /v1/status', { token: ada }), 401, 'unauthenticated');
    expect((await again.call('GET /v1/kv', { token: one })).status).toBe(200);
    expect(again.adminToken).toBe(daemon.adminToken);
    expectProblem(await again.call('POST /v1/agents', { body: { name: 'ada' } }), 409, 'agent-exists');
  });
});

describe('probes', () => {
  test('liveness, readiness and OpenAPI are open, metrics ask for the admin’s token', async () => {
    await using daemon = await TestDaemon.start();
    for (const path of ['/livez', '/readyz', '/openapi.json']) {
      expect((await daemon.call(`GET ${path}`, { token: null })).status).toBe(200);
    }
    const { json } = await daemon.call('GET /readyz?verbose', { token: null });
    expect(json.checks).toMatchObject([
      { name: 'database', ok: true },
      { name: 'disk', ok: true },
    ]);
    expectProblem(await daemon.call('GET /metrics', { token: null }), 401, 'unauthenticated');
    const ada = await daemon.agent('ada');
    expectProblem(await daemon.call('GET /metrics', { token: ada }), 403, 'forbidden');
    expect(await daemon.healthy()).toBe(true);
  });

  test('OpenAPI lists every route', async () => {
    await using daemon = await TestDaemon.start();
    const { json } = await daemon.call('GET /openapi.json', { token: null });
    for (const { path, method } of Object.values<Route>(daemonRoutes)) {
      expect(json.paths[path]?.[method.toLowerCase()]).toBeDefined();
    }
  });

  test('metrics count agents, records, the outbox and requests, without names of agents', async () => {
    await using daemon = await TestDaemon.start();
    const token = await daemon.agent('ada-lovelace');
    for (const key of ['a', 'b']) await daemon.call(`PUT /v1/kv/${key}`, { token, body: 1 });
    const { text } = await daemon.call('GET /metrics');
    for (const line of [
      'holdfast_agents 1',
      'holdfast_records 2',
      'holdfast_outbox_records 2',
      'holdfast_link_open 0',
    ]) {
      expect(text).toContain(`${line}\n`);
    }
    expect(text).not.toContain('ada-lovelace');
  });

  test('the unix socket serves the same, needs a token too, and does not mind the Host', async () => {
    await using daemon = await TestDaemon.start();
    const socket = new HttpCaller(daemon.socketPath ?? '');
    const headers = { host: 'anything', authorization: `Bearer ${daemon.adminToken}` };
    expect((await socket.send({ method: 'GET', path: '/v1/agents', headers })).status).toBe(200);
    expect((await socket.send({ method: 'GET', path: '/v1/agents', headers: { host: 'x' } })).status).toBe(401);
    socket.close();
  });
});
