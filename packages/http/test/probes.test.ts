import { daemonRoutes, errorCatalogue, relayRoutes } from '@holdfast/protocol';
import { describe, expect, test } from 'vitest';

import type { Routes } from '../src/index.ts';
import { openApiText } from '../src/openapi.ts';
import { problemOf, routes, start } from './service-under-test.ts';

describe('probes', () => {
  test('livez is open to all', async () => {
    await using under = await start();
    expect(await under.ask('GET', '/livez', { headers: {} })).toMatchObject({ status: 200, text: '{"status":"ok"}' });
  });

  test('readyz runs the checks and names them only when asked', async () => {
    let isBroken = false;
    const checks = {
      disk: () => {
        if (isBroken) throw new Error('no space on /secret/path');
      },
      queue: async () => Promise.resolve(),
    };
    await using under = await start({ checks });
    expect(await under.ask('GET', '/readyz', { headers: {} })).toMatchObject({ status: 200, text: '{"status":"ok"}' });
    isBroken = true;
    const reply = await under.ask('GET', '/readyz?verbose', { headers: {} });
    expect(reply.status).toBe(503);
    expect(JSON.parse(reply.text)).toEqual({
      status: 'failed',
      checks: [
        { name: 'disk', ok: false, latency_ms: expect.any(Number) },
        { name: 'queue', ok: true, latency_ms: expect.any(Number) },
      ],
    });
    expect(under.logged).toMatchObject([{ check: 'disk' }]);
  });

  test('metrics need the token of somebody who may see the whole', async () => {
    await using under = await start();
    const withToken = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
    expect(problemOf(await under.ask('GET', '/metrics', { headers: {} })).code).toBe('unauthenticated');
    expect(problemOf(await under.ask('GET', '/metrics', { headers: withToken(under.tokens.join) })).code).toBe(
      'forbidden',
    );
    await under.ask('GET', '/docs/private-id');
    await under.ask('GET', '/nowhere');
    const reply = await under.ask('GET', '/metrics', { headers: withToken(under.tokens.admin) });
    expect(reply.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(reply.text).toContain('holdfast_http_requests_total{route="doc.get",status="200"} 1');
    expect(reply.text).toContain('holdfast_http_requests_total{route="none",status="404"} 1');
    expect(reply.text).toContain('holdfast_http_request_duration_seconds_count{route="doc.get",status="200"} 1');
    expect(reply.text).toContain('holdfast_http_requests_under_way 1');
    expect(reply.text).not.toContain('private');
  });
});

const contracts: readonly (readonly [string, Routes])[] = [
  ['the test contract', routes],
  ['the daemon', daemonRoutes],
  ['the relay', relayRoutes],
];

describe.each(contracts)('the OpenAPI document of %s', (_name, contract) => {
  const text = openApiText({ name: 'Service', version: '1', description: 'Text', routes: contract });
  const document = JSON.parse(text) as {
    openapi: string;
    paths: Record<string, Record<string, { operationId: string; parameters: unknown[]; responses: object }>>;
    components: { schemas: Record<string, unknown> };
  };

  test('has every route once, with its errors', () => {
    const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
    expect(operations.map(({ operationId }) => operationId).toSorted()).toEqual(Object.keys(contract).toSorted());
    for (const [id, route] of Object.entries(contract)) {
      const operation = document.paths[route.path]?.[route.method.toLowerCase()];
      const statuses = Object.keys(operation?.responses ?? {});
      expect([id, statuses]).toEqual([id, expect.arrayContaining([String(route.status), '401', '403', '422', '500'])]);
      for (const code of route.errors) expect(statuses).toContain(String(errorCatalogue[code].status));
      const names = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      for (const name of names)
        expect(operation?.parameters).toContainEqual(expect.objectContaining({ name, in: 'path' }));
    }
  });

  test('has no reference that leads nowhere', () => {
    const references = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference ?? '');
    expect(references.length).toBeGreaterThan(0);
    for (const reference of new Set(references)) {
      const name = /^#\/components\/schemas\/([\w.-]+)$/.exec(reference)?.[1];
      expect([reference, name !== undefined && name in document.components.schemas]).toEqual([reference, true]);
    }
    expect(text).not.toContain('$defs');
  });
});

test('the OpenAPI document is served to all', async () => {
  await using under = await start();
  const reply = await under.ask('GET', '/openapi.json', { headers: {} });
  expect(reply.headers['content-type']).toBe('application/json');
  expect(JSON.parse(reply.text)).toMatchObject({ openapi: '3.1.0', info: { title: 'Test service', version: '1.2.3' } });
});
