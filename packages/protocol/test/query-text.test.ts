import { readFileSync } from 'node:fs';

import { HoldfastError, limits, type NetworkQuery, networkQuerySchema, parseQueryText } from '@holdfast/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

describe('a query as text', () => {
  test.each<[string, NetworkQuery]>([
    ['candidates', { collection: 'candidates' }],
    ['', {}],
    ['where status = active', { where: { status: 'active' } }],
    [
      'candidates where skills has Python and experience_years >= 3 order by name',
      {
        collection: 'candidates',
        where: { skills: { hasAll: ['Python'] }, experience_years: { gte: 3 } },
        orderBy: [{ name: 'asc' }],
      },
    ],
    [
      'candidates select name, address.city where name begins with A order by age desc, name limit 5',
      {
        collection: 'candidates',
        select: ['name', 'address.city'],
        where: { name: { prefix: 'A' } },
        orderBy: [{ age: 'desc' }, { name: 'asc' }],
        limit: 5,
      },
    ],
    ['a where b = 1 or c = 2 and d = 3', { collection: 'a', where: { or: [{ b: 1 }, { c: 2, d: 3 }] } }],
    ['a where (b = 1 or c = 2) and d = 3', { collection: 'a', where: { or: [{ b: 1 }, { c: 2 }], d: 3 } }],
    ['a where b > 1 and b < 5', { collection: 'a', where: { and: [{ b: { gt: 1 } }, { b: { lt: 5 } }] } }],
    ['a where not (b = 1 or c = 2)', { collection: 'a', where: { not: [{ or: [{ b: 1 }, { c: 2 }] }] } }],
    ['a WHERE NOT b = true AND c != null', { collection: 'a', where: { not: [{ b: true }], c: { ne: null } } }],
    [
      "a where b in (1, 'two', three) and c not in (false) and d has all (x, y) and e has any ('p q')",
      {
        collection: 'a',
        where: {
          b: { in: [1, 'two', 'three'] },
          c: { nin: [false] },
          d: { hasAll: ['x', 'y'] },
          e: { hasAny: ['p q'] },
        },
      },
    ],
    [
      'a where b exists and c is missing and d is null and e is not null and f contains x',
      {
        collection: 'a',
        where: { b: { exists: true }, c: { exists: false }, d: null, e: { ne: null }, f: { contains: 'x' } },
      },
    ],
    [
      `a where b = "it's" and c = 'say ''yes''' and d = '3' and \`order by\` = -1.5e3`,
      { collection: 'a', where: { b: "it's", c: "say 'yes'", d: '3', 'order by': -1500 } },
    ],
    [
      'a where b = 007 and c = C++ and d = 2026-11-20',
      { collection: 'a', where: { b: '007', c: 'C++', d: '2026-11-20' } },
    ],
    [
      'messages count group by role',
      { collection: 'messages', aggregate: { groupBy: ['role'], metrics: { count: { count: '*' } } } },
    ],
    [
      'tasks count, avg(score.total) as mean, p95(latency_ms), count(owner) where status = done group by every 1h of created_at, status',
      {
        collection: 'tasks',
        where: { status: 'done' },
        aggregate: {
          bucket: { every: '1h', field: 'created_at' },
          groupBy: ['status'],
          metrics: {
            count: { count: '*' },
            mean: { avg: 'score.total' },
            p95_latency_ms: { p95: 'latency_ms' },
            count_owner: { count: 'owner' },
          },
        },
      },
    ],
  ])('%s', (text, query) => {
    expect(parseQueryText(text)).toEqual(query);
  });

  test.each([
    ['a where', 'expected a field, and it ends there (at character 8)'],
    ['a where b', 'expected a comparison (= != > >= < <=, is not null'],
    ['a where b like c', 'and there is "like c" (at character 11)'],
    [
      'a where b contians c',
      '(= != > >= < <=, is not null, is null, is missing, exists, not in, in, has all, has any, has, begins with, contains), and there is "contians c"; did you mean "contains"?',
    ],
    ['a wher b = 1', 'expected the end, and there is "wher b = 1"; did you mean "where"? (at character 3)'],
    ['a averge(b)', 'and there is "averge(b)"; did you mean "avg"?'],
    ['a count, summ(b)', 'and there is "summ(b)"; did you mean "sum"?'],
    ['a where b =', 'expected a text, and it ends there (at character 12)'],
    ['a where b = c d', 'expected the end, and there is "d" (at character 15)'],
    ['a where (b = c', 'expected ")", and it ends there'],
    ["a where b = 'c", `cannot read what begins with "'c"`],
    ['a where b in 1', 'expected "(", and there is "1"'],
    ['a where b > true', 'a number or a text'],
    ['a limit many', 'expected a number, and there is "many"'],
    ['a order by b up', 'expected the end, and there is "up"'],
    ['a avg(b', 'expected ")"'],
    ['a count group by every 1 of b', 'a span is a number and s, m, h or d'],
    ['A where b = 1', 'collection'],
    [`a where ${'('.repeat(5000)}b = 1`, 'fewer brackets'],
    [`a where ${'not '.repeat(limits.queryDepth)}b = 1`, 'nested at most'],
    [`a where b = ${'x'.repeat(10_001)}`, 'longer than 10000 characters'],
  ])('such as %.40s is refused, saying what is wrong', (text, message) => {
    expect(() => parseQueryText(text)).toThrow(
      expect.objectContaining({ code: 'invalid-request', message: expect.stringContaining(message) }),
    );
  });

  test('of any kind gives a query or a refusal, and nothing else', () => {
    const words = `a where and or not ( ) , = >= in has all is null 'x' " 1 order by group every 1h of count avg limit select`;
    const pieces = fc.constantFrom(...words.split(' '), '`y`', '__proto__', 'constructor', '\0');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(pieces, { maxLength: 15 }).map((list) => list.join(' ')),
          fc.string(),
        ),
        (text) => {
          expect(kindOf(text)).toMatch(/^(query|invalid-request)$/);
        },
      ),
      { numRuns: 3000 },
    );
  });
});

describe('what docs/query.md shows', () => {
  const page = readFileSync(new URL('../../../docs/query.md', import.meta.url), 'utf8');
  const texts = [
    ...page.matchAll(/^holdfast query '(.+?)'/gm),
    ...page.matchAll(/`([a-z]+ [^`]*(?:where|group by|search) [^`]*)`/g),
  ].map(([, text = '']) => text);
  const blocks = [...page.matchAll(/^```json\n(.+?)^```/gms)].map(([, block = '']) => block);

  test.each(texts)('as text is a query: %s', (text) => {
    expect(kindOf(text)).toBe('query');
  });

  test.each(blocks)('as JSON is a query: %s', (block) => {
    expect(networkQuerySchema.safeParse(JSON.parse(block))).toMatchObject({ success: true });
  });

  test('is more than a little', () => {
    expect([texts.length, blocks.length]).toEqual([5, 4]);
  });
});

function kindOf(text: string): string {
  try {
    return networkQuerySchema.safeParse(parseQueryText(text)).success ? 'query' : 'nonsense';
  } catch (error) {
    return error instanceof HoldfastError ? error.code : String(error);
  }
}
