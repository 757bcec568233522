import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { firstEvents } from './support/first-events.ts';
import { type AnyJson, TestDaemon } from './support/test-daemon.ts';

let daemon: TestDaemon;
let ada: string;
let ben: string;
let adaOne: string;

beforeAll(async () => {
  daemon = await TestDaemon.start();
  ada = await daemon.agent('ada');
  ben = await daemon.agent('ben');
  adaOne = await daemon.boundToken('ada', 'app:one');
});
afterAll(() => daemon[Symbol.asyncDispose]());

const eventsOf = (path: string, count: number, headers: Record<string, string> = {}): Promise<AnyJson[]> =>
  firstEvents(daemon, path, count, { authorization: `Bearer ${ben}`, ...headers });

describe('shared context', () => {
  test('is read, changed and removed by all agents of a resource, and by nobody of another', async () => {
    await daemon.call('PUT /v1/context/plan', { token: ada, body: { n: 1, kept: true } });
    expect((await daemon.call('PATCH /v1/context/plan', { token: ben, body: { n: 2 } })).status).toBe(200);
    const read = await daemon.call('GET /v1/context/plan', { token: ada });
    expect(read.json).toEqual({ n: 2, kept: true });
    expect((await daemon.call('GET /v1/context/plan', { token: adaOne })).status).toBe(404);
    await daemon.call('PUT /v1/context/plan', { token: adaOne, body: { of: 'one' } });
    expect((await daemon.call('GET /v1/context/plan', { token: ben })).json).toEqual({ n: 2, kept: true });
    expect((await daemon.call('DELETE /v1/context/plan', { token: ben })).status).toBe(200);
    expect((await daemon.call('GET /v1/context/plan', { token: ada })).status).toBe(404);
    expect((await daemon.call('GET /v1/context/plan', { token: adaOne })).json).toEqual({ of: 'one' });
  });

  test('is listed by prefix, a page at a time, and is the same as the records of its collection', async () => {
    for (const key of ['list:1', 'list:2', 'list:3', 'other']) {
      await daemon.call(`PUT /v1/context/${key}`, { token: ada, body: { key } });
    }
    const first = await daemon.call('GET /v1/context?prefix=list:&limit=2', { token: ben });
    expect(first.json).toMatchObject({ entries: [{ key: 'list:1' }, { key: 'list:2' }], next: 'list:2' });
    const rest = await daemon.call('GET /v1/context?prefix=list:&after=list:2', { token: ben });
    expect(rest.json).toMatchObject({ entries: [{ key: 'list:3', value: { key: 'list:3' } }], next: null });
    expect((await daemon.call('GET /v1/records/context/other', { token: ben })).json).toEqual({ key: 'other' });
  });

  test('is not written in one piece with an agent’s own records, but line by line with them', async () => {
    const operations = [
      { op: 'put', collection: 'context', id: 'mixed', doc: 1 },
      { op: 'put', collection: 'notes', id: 'mixed', doc: {} },
    ];
    const atomic = await daemon.call('POST /v1/batch', { token: ada, body: operations });
    expect(atomic.json).toMatchObject({ code: 'invalid-request' });
    expect((await daemon.call('GET /v1/context/mixed', { token: ada })).status).toBe(404);
    const lines = operations.map((operation) => JSON.stringify(operation)).join('\n');
    const headers = { 'content-type': 'application/x-ndjson' };
    const streamed = await daemon.call('POST /v1/batch', { token: ada, headers, body: lines });
    expect(streamed.lines).toMatchObject([
      { line: 1, id: 'mixed' },
      { line: 2, id: 'mixed' },
      { end: true, written: 2 },
    ]);
    expect((await daemon.call('GET /v1/context/mixed', { token: ben })).json).toBe(1);
    expect((await daemon.call('GET /v1/records/notes/mixed', { token: ben })).status).toBe(404);
  });
});

describe('a watch', () => {
  test('tells what is there, then what changes, and goes on from the last event', async () => {
    await daemon.call('PUT /v1/context/watch:1', { token: ada, body: 1 });
    const [there] = await eventsOf('/v1/watch/context?prefix=watch:', 1);
    expect(there).toMatchObject({ deleted: false, doc: 1 });
    const following = eventsOf('/v1/watch/context?prefix=watch:', 2, { 'last-event-id': there.place });
    await daemon.call('PUT /v1/context/elsewhere', { token: ada, body: 0 });
    await daemon.call('PUT /v1/context/watch:2?ttl=60', { token: ada, body: 2 });
    // Each as it is when it is read: the first may be there by now in its last state alone.
    await daemon.call('DELETE /v1/context/watch:1', { token: ada });
    expect(await following).toMatchObject([{ doc: 2, expires_at: expect.any(String) }, { deleted: true }]);
  });

  test('begins with the changes alone where that is asked for', async () => {
    await daemon.call('PUT /v1/context/now:1', { token: ada, body: { is: 'before' } });
    const following = eventsOf('/v1/watch/context?prefix=now:&from=now', 1);
    const written = setInterval(
      () => void daemon.call('PUT /v1/context/now:2', { token: ada, body: { is: 'after' } }),
      20,
    );
    expect(await following).toMatchObject([{ doc: { is: 'after' } }]);
    clearInterval(written);
  });

  test('is of shared collections alone', async () => {
    const own = await daemon.call('GET /v1/watch/notes', { token: ada });
    expect(own).toMatchObject({ status: 409, json: { code: 'not-shared' } });
  });
});

describe('a collection that is declared shared', () => {
  const declaration = { conflict: 'shared', fields: { text: { type: 'text', required: true } } };

  test('is one for all agents, checked as declared, and listed once', async () => {
    expect((await daemon.call('PUT /v1/collections/board', { token: ada, body: declaration })).status).toBe(200);
    const wrong = await daemon.call('PUT /v1/records/board/x', { token: ben, body: { text: 1 } });
    expect(wrong.json).toMatchObject({ code: 'invalid-request' });
    await daemon.call('PUT /v1/records/board/x', { token: ben, body: { text: 'of ben' } });
    expect((await daemon.call('GET /v1/records/board/x', { token: ada })).json).toEqual({ text: 'of ben' });
    const query = await daemon.call('POST /v1/records/board/query', { token: ada, body: {} });
    expect(query.json.records).toMatchObject([{ id: 'x' }]);
    const { json } = await daemon.call('GET /v1/collections', { token: ben });
    const names = (json as { readonly collections: { readonly name: string }[] }).collections.map(({ name }) => name);
    expect(names.filter((name) => name === 'board' || name === 'context').toSorted()).toEqual(['board', 'context']);
  });
});

test('the name of the agent that stands for it is nobody’s', async () => {
  const made = await daemon.call('POST /v1/agents', { body: { name: 'shared' } });
  expect(made.json).toMatchObject({ code: 'invalid-request' });
  await daemon.call('PUT /v1/context/any', { token: ada, body: 1 });
  const token = await daemon.call('POST /v1/agents/shared/tokens', { body: {} });
  expect(token.json).toMatchObject({ code: 'invalid-request' });
});
