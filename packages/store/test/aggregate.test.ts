import { type Aggregate, type Json, type Query, querySchema } from '@holdfast/protocol';
import { testSeed } from '@holdfast/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { groupsOf, inAnyOrder } from './aggregate-model.ts';
import { field, where } from './query-arbitraries.ts';
import { fill } from './query-fixture.ts';
import { agent, useAgent } from './use-agent.ts';

useAgent();

const times = [
  '2026-11-20T10:59:59.999Z',
  '2026-11-20T11:00:00.000Z',
  '2026-11-21',
  '1969-12-31T23:59:59.500Z',
  'now',
  '2460000.5',
];
// Sums of halves are exact, in whatever order they are made.
const halves = fc.integer({ min: -9, max: 9 }).map((step) => step / 2);
const value: fc.Arbitrary<Json> = fc.oneof(
  { weight: 5, arbitrary: halves },
  { weight: 3, arbitrary: fc.constantFrom('', 'a', 'B', 'é', '😀', '\uffff') },
  { weight: 2, arbitrary: fc.constantFrom(...times) },
  { weight: 1, arbitrary: fc.constantFrom<Json>(true, false, null, [], [1], { b: 1 }) },
);
const document: fc.Arbitrary<Json> = fc.record({ a: value, b: value, at: value }, { requiredKeys: [] });
const name = fc.constantFrom('a', 'b', 'at', 'nothing');
const metric = fc.oneof(
  fc.constant({ count: '*' as const }),
  fc
    .tuple(fc.constantFrom('count', 'sum', 'avg', 'min', 'max', 'p50', 'p95', 'p99', 'distinct'), name)
    .map(([computed, of]) => ({ [computed]: of })),
);
const aggregate = fc.record(
  {
    groupBy: fc.uniqueArray(fc.oneof(name, field), { maxLength: 3 }),
    bucket: fc.record({
      field: fc.constantFrom('a', 'at', 'created_at', 'expires_at', 'id'),
      every: fc.constantFrom('1s', '15m', '1h', '7d', '2s'),
    }),
    metrics: fc.dictionary(fc.constantFrom('m', 'n', 'o'), metric, { minKeys: 1 }),
  },
  { requiredKeys: ['metrics'] },
);
const query = fc
  .record({ where, aggregate })
  .filter((parts) => querySchema.safeParse(parts).success)
  .map((parts) => querySchema.parse(parts) as Query & { readonly aggregate: Aggregate });

function groupsFrom(wanted: Query): readonly Json[] {
  const answer = agent.store.query('', 'kv', wanted);
  if (!('groups' in answer)) throw new Error('groups were asked for');
  return answer.groups;
}

describe('an aggregate', () => {
  test('gives what counting and computing over a plain search would', { timeout: 120_000 }, async () => {
    const documents = fc.sample(document, { seed: testSeed(), numRuns: 60 });
    const records = await fill(agent, documents);
    fc.assert(
      fc.property(query, (wanted) => {
        expect(inAnyOrder(groupsFrom(wanted))).toEqual(inAnyOrder(groupsOf(records, wanted)));
      }),
      { seed: testSeed(), numRuns: 400 },
    );
  });

  test('of nothing counts 0, sums to 0 and finds nothing else', () => {
    const metrics = {
      n: { count: '*' },
      s: { sum: 'a' },
      avg: { avg: 'a' },
      least: { min: 'a' },
      p: { p99: 'a' },
      d: { distinct: 'a' },
    };
    expect(groupsFrom(querySchema.parse({ aggregate: { metrics } }))).toEqual([
      { n: 0, s: 0, avg: null, least: null, p: null, d: 0 },
    ]);
  });

  test('tells the least and the greatest time as a time', async () => {
    await fill(agent, [{}, {}, {}]);
    const metrics = { first: { min: 'created_at' }, last: { max: 'created_at' }, moments: { distinct: 'created_at' } };
    expect(groupsFrom(querySchema.parse({ aggregate: { metrics } }))).toEqual([
      { first: '2026-11-20T00:00:00.000Z', last: '2026-11-20T00:00:02.000Z', moments: 3 },
    ]);
  });

  test('has its groups by time first and in order', async () => {
    await fill(
      agent,
      Array.from({ length: 6 }, (_, n) => ({ n })),
    );
    const bucket = { field: 'created_at', every: '2s' };
    expect(groupsFrom(querySchema.parse({ aggregate: { bucket, metrics: { sum: { sum: 'n' } } } }))).toEqual([
      { created_at: '2026-11-20T00:00:00.000Z', sum: 1 },
      { created_at: '2026-11-20T00:00:02.000Z', sum: 5 },
      { created_at: '2026-11-20T00:00:04.000Z', sum: 9 },
    ]);
  });

  test('has its groups in the order asked for, and no more than asked for', async () => {
    await fill(
      agent,
      ['a', 'b', 'b', 'c', 'c', 'c', 'd'].map((kind, n) => ({ kind, n })),
    );
    const metrics = { n: { count: '*' }, sum: { sum: 'n' } };
    const ask = (parts: object): Json =>
      groupsFrom(querySchema.parse({ aggregate: { groupBy: ['kind'], metrics }, ...parts })).map(
        (group) => (group as { kind: string }).kind,
      );
    expect(ask({})).toEqual(['a', 'b', 'c', 'd']);
    expect(ask({ orderBy: [{ n: 'desc' }] })).toEqual(['c', 'b', 'a', 'd']);
    expect(ask({ orderBy: [{ n: 'desc' }], limit: 2 })).toEqual(['c', 'b']);
    expect(ask({ orderBy: [{ n: 'asc' }, { kind: 'desc' }] })).toEqual(['d', 'a', 'b', 'c']);
    expect(ask({ orderBy: [{ kind: 'desc' }] })).toEqual(['d', 'c', 'b', 'a']);
  });

  test.each([
    ['orderBy', { orderBy: [{ amuont: 'asc' }] }, /"amuont": groups are sorted by .*did you mean "amount"/],
    ['select', { select: ['kind'] }, /"select": is for records/],
    ['after', { after: 'token' }, /"after": is for records/],
    ['limit', { limit: 1001 }, /"limit": an answer has at most 1000 groups/],
  ])('refuses a part that means nothing to groups: %s', (_part, parts, message) => {
    const aggregate = { groupBy: ['kind'], metrics: { amount: { count: '*' } } };
    expect(() => groupsFrom(querySchema.parse({ aggregate, ...parts }))).toThrow(message);
  });

  test.each(['id', 'created_at'])('does not add up %s', (of) => {
    const refused = expect.objectContaining({ code: 'invalid-request', message: `"${of}": is no number` });
    const wanted = querySchema.parse({ aggregate: { metrics: { n: { sum: of } } } });
    expect(() => agent.store.query('', 'kv', wanted)).toThrow(refused);
  });
});

describe('a query that is to be explained', () => {
  test.each([
    ['records', { where: { a: 1 }, orderBy: [{ a: 'desc' }] }],
    ['groups', { aggregate: { groupBy: ['a'], metrics: { m: { p95: 'b' } } } }],
  ])('for %s tells its steps and the indexes it uses, and is not run', async (_what, asked) => {
    await fill(agent, [{ a: 1 }]);
    const answer = agent.store.query('', 'kv', querySchema.parse({ ...asked, explain: true }));
    expect(answer).toEqual({
      plan: { steps: expect.arrayContaining([expect.stringContaining('records')]), indexes: ['records_key'] },
    });
  });
});
