import { type Condition, type Json, limits, type Query, querySchema } from '@holdfast/protocol';
import { temporaryDirectory, type TemporaryDirectory, testSeed } from '@holdfast/testkit';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { put, TestAgent } from './fixture.ts';
import { groupCounts, matchingIds, type ModelRecord } from './query-model.ts';

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

const keys = ['a', 'b', 'é', 'x y', "it's", '😀', 'id', 'doc', '#', '$', '*', '%', 'tab\there', '1'] as const;
const numbers = [
  0,
  1,
  -1,
  0.5,
  1e300,
  -1e300,
  5e-324,
  0.1 + 0.2,
  2 ** 53,
  1.5e17,
  1571507710345910300,
  1e20,
  1e21,
] as const;
const texts = [
  '',
  'a',
  'A',
  'b',
  'ab',
  '1',
  '0',
  'true',
  'null',
  'é',
  '\uffff',
  '😀',
  "'",
  '%',
  '"',
  '\\',
  '[]',
  '{}',
] as const;

const scalar = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...numbers) },
  { weight: 4, arbitrary: fc.constantFrom(...texts) },
  { weight: 2, arbitrary: fc.boolean() },
  { weight: 1, arbitrary: fc.constant(null) },
);
const ordered = fc.oneof(fc.constantFrom(...numbers), fc.constantFrom(...texts));
const key = fc.oneof(
  { weight: 6, arbitrary: fc.constant('a') },
  { weight: 2, arbitrary: fc.constant('b') },
  { weight: 2, arbitrary: fc.constantFrom(...keys) },
);
const value: fc.Arbitrary<Json> = fc.oneof(
  { weight: 6, arbitrary: scalar },
  { weight: 1, arbitrary: fc.array(scalar, { maxLength: 2 }) },
  {
    weight: 2,
    arbitrary: fc.dictionary(key, fc.oneof(scalar, fc.dictionary(key, scalar, { maxKeys: 2 })), { maxKeys: 3 }),
  },
);
const document: fc.Arbitrary<Json> = fc.oneof(
  { weight: 8, arbitrary: fc.dictionary(key, value, { maxKeys: 5 }) },
  { weight: 1, arbitrary: value },
);

const documentPath = fc
  .tuple(fc.constantFrom('', '', 'doc.'), fc.array(key, { minLength: 1, maxLength: 3 }))
  .map(([prefix, segments]) => prefix + segments.join('.'))
  // Alone it would be the record's own id.
  .map((path) => (path === 'id' ? 'doc.id' : path));
const startMs = Date.UTC(2026, 10, 20);
const time = fc.integer({ min: -1, max: 12 }).map((step) => new Date(startMs + step * 1000).toISOString());
const times = ['created_at', 'updated_at', 'expires_at'] as const;

const condition = fc.oneof(
  { weight: 2, arbitrary: scalar },
  {
    weight: 5,
    arbitrary: fc.record(
      {
        eq: scalar,
        ne: scalar,
        gt: ordered,
        gte: ordered,
        lt: ordered,
        lte: ordered,
        in: fc.array(scalar, { maxLength: 4 }),
        exists: fc.boolean(),
      },
      { requiredKeys: [] },
    ),
  },
);
const oneComparison = fc
  .constantFrom('eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'in', 'exists')
  .chain((operator): fc.Arbitrary<Condition> => {
    if (operator === 'in') return fc.array(scalar, { maxLength: 4 }).map((list) => ({ in: list }));
    if (operator === 'exists') return fc.boolean().map((exists) => ({ exists }));
    const operand = operator === 'eq' || operator === 'ne' ? scalar : ordered;
    return operand.map((wanted) => ({ [operator]: wanted }));
  });
const timeCondition = fc.oneof(
  time.map((gte) => ({ gte })),
  time.map((lt) => ({ lt })),
  fc.array(fc.oneof(time, fc.constant(null)), { maxLength: 3 }).map((list) => ({ in: list })),
  fc.boolean().map((exists) => ({ exists })),
  fc.constantFrom({ eq: null }, { ne: null }),
);
const where = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.dictionary(documentPath, fc.oneof({ weight: 3, arbitrary: oneComparison }, condition), {
      maxKeys: 2,
    }),
  },
  { weight: 1, arbitrary: fc.dictionary(fc.constantFrom(...times), timeCondition, { minKeys: 1, maxKeys: 2 }) },
);
const field = fc.oneof(
  { weight: 5, arbitrary: documentPath },
  { weight: 1, arbitrary: fc.constantFrom('id', 'version', ...times) },
);
const orderBy = fc.array(
  fc.tuple(field, fc.constantFrom('asc', 'desc')).map(([name, direction]) => ({ [name]: direction })),
  { maxLength: 3 },
);
const query: fc.Arbitrary<Query> = fc
  .record({ where, orderBy, limit: fc.integer({ min: 1, max: 9 }) })
  .map((parts) => querySchema.parse(parts));

/** Writes documents under ids whose order is not that of writing, some of them with an expiry, each a second later. */
async function fill(documents: readonly Json[]): Promise<ModelRecord[]> {
  const records: ModelRecord[] = [];
  for (const [index, doc] of documents.entries()) {
    agent.clock.set(startMs + (index % 10) * 1000);
    const nowMs = agent.clock.now();
    const id = `${(index * 7) % 10}-${index}`;
    const expiresAtMs = index % 3 === 0 ? nowMs + 3_600_000 : null;
    const { version } = await agent.write(put('kv', id, doc, expiresAtMs === null ? {} : { expiresAtMs }));
    const writtenAt = new Date(nowMs).toISOString();
    const times = { created_at: writtenAt, updated_at: writtenAt };
    const expires_at = expiresAtMs === null ? null : new Date(expiresAtMs).toISOString();
    records.push({ id, resource: '', version, ...times, expires_at, doc });
  }
  return records;
}

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
          const records = await fill(documents);
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
    const documents: Json[] = [...scalars, [], [1], {}, { b: 1 }].map((one) => ({ a: one }));
    const records = await fill([...documents, {}, ...documents]);
    const operands = scalars.flatMap((one): Condition[] => [
      { eq: one },
      { ne: one },
      { in: [one, 'b', 0] },
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

  test('with the count of every group', { timeout: 120_000 }, async () => {
    const documents = fc.sample(document, { seed: testSeed(), numRuns: 60 });
    const records = await fill(documents);
    fc.assert(
      fc.property(where, fc.uniqueArray(field, { maxLength: 3 }), (conditions, groupBy) => {
        const base = querySchema.parse({ where: conditions });
        const aggregate = { groupBy, metrics: { n: { count: '*' as const } } };
        const answer = agent.store.query('', 'kv', { ...base, aggregate });
        if (!('groups' in answer)) throw new Error('the query was not for groups');
        const groups = answer.groups.map((group) => [JSON.stringify(groupBy.map((name) => group[name])), group['n']]);
        const expected = groupCounts(records, base, groupBy);
        if (groupBy.length === 0 && expected.size === 0) expected.set('[]', 0);
        expect(groups).toHaveLength(expected.size);
        expect(new Map(groups as [string, number][])).toEqual(expected);
      }),
      { seed: testSeed(), numRuns: 300 },
    );
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
