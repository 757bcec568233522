import { type Condition, type Json, limits, type Query, querySchema } from '@holdfast/protocol';
import { temporaryDirectory, type TemporaryDirectory, testSeed } from '@holdfast/testkit';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { put, TestAgent } from './fixture.ts';
import { document, numbers, query, texts } from './query-arbitraries.ts';
import { fill } from './query-fixture.ts';
import { matchingIds } from './query-model.ts';

let directory: TemporaryDirectory;
let agent: TestAgent;

beforeEach(async () => {
  directory = await temporaryDirectory();
  agent = new TestAgent(directory.file('agent.db'));
});

afterEach(async () => {
  agent[Symbol.dispose]();
  await directory[Symbol.asyncDispose]();
});

/** All pages of a query, and how many records each had. */
function pagesOf(wanted: Query): { ids: string[]; sizes: number[] } {
  const ids: string[] = [];
  const sizes: number[] = [];
  for (let after: string | null | undefined; after !== null;) {
    const answer = agent.store.query('', 'kv', after === undefined ? wanted : { ...wanted, after });
    if (!('records' in answer)) throw new Error('the query was not for records');
    ids.push(...answer.records.map(({ id }) => id));
    sizes.push(answer.records.length);
    after = answer.next;
    expect(sizes.length).toBeLessThan(100);
  }
  return { ids, sizes };
}

describe('a query answers as a plain search through all records would', () => {
  test('with every record that matches once, in order, over pages of any size', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(document, { minLength: 1, maxLength: 25 }),
        fc.array(query, { minLength: 10, maxLength: 20 }),
        async (documents, queries) => {
          agent[Symbol.dispose]();
          await directory[Symbol.asyncDispose]();
          directory = await temporaryDirectory();
          agent = new TestAgent(directory.file('agent.db'));
          const records = await fill(agent, documents);
          for (const wanted of queries) {
            const { ids, sizes } = pagesOf(wanted);
            expect({ wanted, ids }).toEqual({ wanted, ids: matchingIds(records, wanted) });
            expect(sizes.slice(0, -1).every((size) => size === wanted.limit)).toBe(true);
            expect(pagesOf({ ...wanted, limit: 1000 }).ids).toEqual(ids);
          }
        },
      ),
      { seed: testSeed(), numRuns: 60 },
    );
  });

  test('for each value under each comparison with each value, and in their order', async () => {
    const scalars = [...numbers, ...texts, true, false, null];
    const documents: Json[] = [...scalars, [], [1], ['a', 1, true, null], {}, { b: 1 }].map((one) => ({ a: one }));
    const records = await fill(agent, [...documents, {}, ...documents]);
    const operands = scalars.flatMap((one): Condition[] => [
      { eq: one },
      { ne: one },
      { in: [one, 'b', 0] },
      { nin: [one, 'b', 0] },
      { contains: one },
      { hasAll: [one] },
      { hasAny: [one, 'b'] },
      ...(typeof one === 'string' ? [{ prefix: one }] : []),
      ...(typeof one === 'string' || typeof one === 'number'
        ? [{ gt: one }, { gte: one }, { lt: one }, { lte: one }]
        : []),
    ]);
    for (const wanted of [...operands, { exists: true }, { exists: false }, {}]) {
      const asked: Query = { where: { a: wanted }, limit: 1000 };
      expect({ wanted, ids: pagesOf(asked).ids }).toEqual({ wanted, ids: matchingIds(records, asked) });
    }
    for (const direction of ['asc', 'desc'] as const) {
      const asked: Query = { orderBy: [{ a: direction }], limit: 7 };
      expect(pagesOf(asked).ids).toEqual(matchingIds(records, asked));
    }
  });
});

describe('a page', () => {
  test('goes on where the one before ended, while records come and go', async () => {
    const ids = Array.from({ length: 20 }, (_, index) => String(index).padStart(2, '0'));
    for (const id of ids) await agent.write(put('kv', id, { n: Number(id) % 4 }));
    const seen: string[] = [];
    for (let after: string | undefined, round = 0; ; round += 1) {
      const wanted: Query = { orderBy: [{ n: 'desc' }], limit: 3, ...(after !== undefined && { after }) };
      const answer = agent.store.query('', 'kv', wanted);
      if (!('records' in answer)) throw new Error('the query was not for records');
      seen.push(...answer.records.map(({ id }) => id));
      if (answer.next === null) break;
      after = answer.next;
      await agent.write(put('kv', `new-${round}`, { n: 9 }));
      await agent.write({ op: 'delete', collection: 'kv', id: answer.records[0]!.id });
    }
    expect(seen.toSorted()).toEqual(ids);
  });

  test('of 100 records is given when no size is asked for', async () => {
    const operations = Array.from({ length: 101 }, (_, index) => put('kv', String(index), index));
    await agent.store.write({ resource: '', operations });
    const answer = agent.store.query('', 'kv', {});
    expect(answer).toMatchObject({ records: { length: 100 }, next: expect.any(String) });
  });

  test('token longer than a kilobyte works like any other', async () => {
    for (const id of ['a', 'b', 'c']) await agent.write(put('kv', id, { text: 'x'.repeat(50_000) + id }));
    const wanted = querySchema.parse({ orderBy: [{ text: 'desc' }], limit: 1 });
    expect(pagesOf(wanted).ids).toEqual(['c', 'b', 'a']);
    const { next } = agent.store.query('', 'kv', wanted) as { next: string };
    expect(querySchema.safeParse({ ...wanted, after: next }).success).toBe(true);
  });

  test('token of another query, resource or collection is refused, and so is nonsense', async () => {
    for (const id of ['a', 'b', 'c']) await agent.write(put('kv', id, { n: 1 }));
    const wanted: Query = { where: { n: 1 }, limit: 1 };
    const { next } = agent.store.query('', 'kv', wanted) as { next: string };
    const refused = expect.objectContaining({ code: 'invalid-request' });
    expect(() => agent.store.query('', 'kv', { ...wanted, limit: 2, after: next })).not.toThrow();
    expect(() => agent.store.query('', 'kv', { where: { n: 2 }, after: next })).toThrow(refused);
    expect(() => agent.store.query('', 'kv', { ...wanted, orderBy: [{ n: 'asc' }], after: next })).toThrow(refused);
    expect(() => agent.store.query('app:u', 'kv', { ...wanted, after: next })).toThrow(refused);
    expect(() => agent.store.query('', 'notes', { ...wanted, after: next })).toThrow(refused);
    const forged = Buffer.from(JSON.stringify(['x', { $ne: 1 }])).toString('base64url');
    for (const after of ['', 'x', '%%%', forged, next.slice(0, -4), 'W10']) {
      expect(() => agent.store.query('', 'kv', { ...wanted, after })).toThrow(refused);
    }
  });
});

describe('a selection', () => {
  test.each<[string[], Json]>([
    [['a'], { a: 1 }],
    [['b.c'], { b: { c: 2 } }],
    [['b', 'b.c'], { b: { c: 2, d: [3] } }],
    [['b.c', 'b'], { b: { c: 2, d: [3] } }],
    [['b.d.e', 'nothing', 'a.x'], { b: { d: [3] }, a: 1 }],
    [['doc.id'], { id: 'mine' }],
    [[], {}],
  ])('of %j gives those parts in their places', async (select, expected) => {
    await agent.write(put('kv', 'x', { a: 1, b: { c: 2, d: [3] }, id: 'mine' }));
    const answer = agent.store.query('', 'kv', { select });
    expect('records' in answer && answer.records.map(({ id, doc }) => [id, doc])).toEqual([['x', expected]]);
  });
});

describe('a field name', () => {
  test.each([
    "a') OR 1=1 --",
    "a'); DROP TABLE records; --",
    '$',
    '#-1',
    'a`b',
    'a;b',
    'a$b{}',
    'rowid',
    'hash',
    'deleted',
    'doc',
    'constructor',
    'toString',
  ])('such as %s is only ever a name', async (name) => {
    const hostile = querySchema.parse({ where: { [name]: 1 }, orderBy: [{ [name]: 'asc' }] });
    await agent.write(put('kv', 'a', { a: 1 }));
    await agent.write(put('kv', 'b', { [name]: 1 }));
    const aggregate = { groupBy: [name], metrics: { n: { count: '*' as const } } };
    expect(pagesOf(hostile).ids).toEqual(['b']);
    expect(agent.store.query('', 'kv', { aggregate })).toEqual({
      groups: [
        { [name]: null, n: 1 },
        { [name]: 1, n: 1 },
      ],
    });
    expect(agent.read('kv', 'a')).toEqual({ a: 1 });
  });

  test.each(['node', 'agent'])('%s is the relay’s, and refused here', (name) => {
    const refused = expect.objectContaining({
      code: 'invalid-request',
      issues: [expect.objectContaining({ path: name })],
    });
    expect(() => agent.store.query('', 'kv', { where: { [name]: 'x' } })).toThrow(refused);
    expect(() => agent.store.query('', 'kv', { orderBy: [{ [name]: 'asc' }] })).toThrow(refused);
  });

  test.each<[string, Query]>([
    ['a number for a time', { where: { created_at: { gt: 5 } } }],
    ['no time', { where: { created_at: 'yesterday' } }],
    ['a boolean for an id', { where: { id: true } }],
  ])('of the record itself is not compared with %s', (_what, wanted) => {
    const refused = expect.objectContaining({ code: 'invalid-request' });
    expect(() => agent.store.query('', 'kv', wanted)).toThrow(refused);
  });
});

describe('bounds', () => {
  test('a query as large as the schema allows runs', async () => {
    await agent.write(put('kv', 'a', {}));
    const list = Array.from({ length: 500 }, (_, index) =>
      index % 3 === 0 ? index % 2 === 0 : index % 3 === 1 ? null : index,
    );
    const large = { eq: null, ne: 1, in: list, exists: false };
    const wide = Object.fromEntries(Array.from({ length: 32 }, (_, index) => [`f${index}`, large]));
    const wanted = querySchema.parse({
      where: wide,
      orderBy: [{ a: 'asc' }, { b: 'desc' }, { c: 'asc' }, { d: 'desc' }],
    });
    expect(pagesOf(wanted).ids).toEqual(['a']);
  });

  test('more groups than can be answered are refused', async () => {
    const operations = Array.from({ length: 1001 }, (_, index) => put('kv', String(index), index % 1000));
    await agent.store.write({ resource: '', operations });
    const aggregate = { groupBy: ['id'], metrics: { n: { count: '*' as const } } };
    const refused = expect.objectContaining({ code: 'invalid-request' });
    expect(() => agent.store.query('', 'kv', { aggregate })).toThrow(refused);
    const fewer = agent.store.query('', 'kv', { where: { id: { ne: '0' } }, aggregate });
    expect(fewer).toMatchObject({ groups: { length: 1000 } });
  });
});

test('a page ends early when its documents are large, and the next one goes on from there', async () => {
  const mebibyte = 'x'.repeat(limits.recordBytes - 100);
  for (let at = 0; at < 20; at += 1) await agent.write(put('notes', `n${String(at).padStart(2, '0')}`, { mebibyte }));
  const found: string[] = [];
  let pages = 0;
  for (let after: string | null | undefined; after !== null; pages += 1) {
    const page = agent.store.query('', 'notes', { limit: 100, ...(after !== undefined && { after }) });
    if (!('records' in page)) throw new Error('records were asked for');
    expect(page.records.length).toBeLessThanOrEqual(9);
    found.push(...page.records.map(({ id }) => id));
    after = page.next;
  }
  expect(pages).toBeGreaterThan(1);
  expect(found).toEqual(Array.from({ length: 20 }, (_, at) => `n${String(at).padStart(2, '0')}`));
});
