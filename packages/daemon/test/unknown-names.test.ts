import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { TestDaemon, type TestReply } from './support/test-daemon.ts';

let daemon: TestDaemon;
let ada: string;

beforeAll(async () => {
  daemon = await TestDaemon.start();
  ada = await daemon.agent('ada');
  await daemon.call('PUT /v1/records/notes/a', { token: ada, body: { n: 1 } });
});
afterAll(() => daemon[Symbol.asyncDispose]());

const ask = (collection: string, body: object = {}, extra: object = {}): Promise<TestReply> =>
  daemon.call(`POST /v1/records/${collection}/query`, { token: ada, body, ...extra });

const told = ({ status, json }: TestReply): unknown[] => [status, json.code, json.detail];

describe('a collection that nobody knows', () => {
  test.each(['application/json', 'application/x-ndjson'])(
    'is not found, and the nearest is named (%s)',
    async (accept) => {
      const detail = 'there is no collection "ntoes"; did you mean "notes"?';
      expect(told(await ask('ntoes', {}, { headers: { accept } }))).toEqual([404, 'collection-not-found', detail]);
    },
  );

  test('is known from its declaration or its first record on, also when that is deleted', async () => {
    expect((await ask('messages')).json).toEqual({ records: [], next: null });
    expect((await ask('leads')).status).toBe(404);
    await daemon.call('PUT /v1/collections/leads', { token: ada, body: { fields: { n: { type: 'integer' } } } });
    expect((await ask('leads')).json).toEqual({ records: [], next: null });
    expect((await ask('drafts')).status).toBe(404);
    expect((await daemon.call('GET /v1/records/drafts/a', { token: ada })).json.code).toBe('record-not-found');
    expect((await daemon.call('PUT /v1/records/drafts/a', { token: ada, body: {} })).status).toBe(200);
    await daemon.call('DELETE /v1/records/drafts/a', { token: ada });
    expect((await ask('drafts')).json).toEqual({ records: [], next: null });
  });

  test('of one agent is nothing to another', async () => {
    const ben = await daemon.agent('ben');
    expect(told(await ask('notes', {}, { token: ben }))).toEqual([
      404,
      'collection-not-found',
      'there is no collection "notes"',
    ]);
  });

  test('is empty to a token bound to a resource, as one that only others use is', async () => {
    const bound = await daemon.boundToken('ada', 'app:one');
    for (const collection of ['ntoes', 'notes']) {
      expect((await ask(collection, {}, { token: bound })).json).toEqual({ records: [], next: null });
    }
  });
});

describe('an unknown word of a query is told with the nearest:', () => {
  test.each([
    [{ where: { n: { gtt: 1 } } }, 'where.n: no comparison is called "gtt"', 'gt'],
    [{ where: { n: { hasall: [1] } } }, 'where.n: no comparison is called "hasall"', 'hasAll'],
    [{ where: { not: [{ n: { $eq: 1 } }] } }, 'where.not.0.n: no comparison is called "$eq"', 'eq'],
    [{ where: { andd: [{ n: 1 }] } }, 'where.andd: lists of filters stand under and, or, not', 'and'],
    [{ where: { $or: [{ n: 1 }] } }, 'where.$or: lists of filters stand under and, or, not', 'or'],
    [{ orderby: [{ n: 'asc' }] }, 'body: no part of a query is called "orderby"', 'orderBy'],
    [{ aggregate: { metrics: { m: { averge: 'n' } } } }, 'm: no metric is called "averge"', 'avg'],
    [
      { aggregate: { groupby: ['n'], metrics: { m: { count: '*' } } } },
      'no part of an aggregate is called "groupby"',
      'groupBy',
    ],
  ])('%j', async (query, problem, nearest) => {
    const { status, json } = await ask('notes', query);
    expect([status, json.code]).toEqual([422, 'invalid-request']);
    expect(json.detail).toContain(problem);
    expect(json.detail).toContain(`; did you mean "${nearest}"?`);
  });
});
