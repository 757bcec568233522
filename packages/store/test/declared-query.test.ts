import { type Declaration, type Json, type JsonObject, limits, type Query, querySchema } from '@holdfast/protocol';
import { testSeed } from '@holdfast/testkit';
import fc from 'fast-check';
import type { StoreOperation } from '@holdfast/store';
import { beforeEach, describe, expect, test } from 'vitest';

import { put, remove, TestAgent } from './fixture.ts';
import { agent, directory, useAgent } from './use-agent.ts';

useAgent();

const declaration: Declaration = {
  fields: {
    name: { type: 'text' },
    score: { type: 'number' },
    level: { type: 'integer' },
    since: { type: 'time' },
    tags: { type: 'list' },
    place: { type: 'object', fields: { city: { type: 'text' } } },
  },
  indexes: [['name'], ['level', 'score'], ['score'], ['since', 'name'], ['tags'], ['place.city', 'level']],
  search: ['name', 'tags'],
};

function declare({ store }: TestAgent): Promise<unknown> {
  return store.write({ resource: '', operations: [put('collections', 'people', declaration as Json)] });
}

function idsOf({ store }: TestAgent, collection: string, query: Query): string[] {
  const ids: string[] = [];
  for (let after: string | null | undefined; after !== null;) {
    const answer = store.query('', collection, after === undefined ? query : { ...query, after });
    if (!('records' in answer)) throw new Error('the query was not for records');
    ids.push(...answer.records.map(({ id }) => id));
    after = answer.next;
    expect(ids.length).toBeLessThan(1000);
  }
  return ids;
}

function planOf(collection: string, query: Query): readonly string[] {
  const answer = agent.store.query('', collection, { ...query, explain: true });
  if (!('plan' in answer)) throw new Error('the query was not explained');
  return answer.plan.indexes;
}

const text = fc.constantFrom(
  '',
  'a',
  'A',
  'ab',
  'abc',
  'b',
  'é',
  '😀',
  '\uD7FF',
  '\u{10FFFF}',
  '\u{10FFFF}a',
  '\uE000x',
);
const number = fc.constantFrom(0, 1, -1, 0.5, 3, 1e300, 2 ** 53, 1571507710345910300, 1e21);
const whole = fc.integer({ min: -3, max: 3 });
const time = fc.integer({ min: 0, max: 5 }).map((hour) => new Date(Date.UTC(2026, 10, 20, hour)).toISOString());
const tag = fc.oneof(text, whole, fc.constantFrom(true, null, 2 ** 53));
const city = fc.record({ city: text }, { requiredKeys: [] });
const document: fc.Arbitrary<JsonObject> = fc.record(
  {
    name: fc.oneof(text, fc.constant(null)),
    score: number,
    level: whole,
    since: time,
    tags: fc.array(tag, { maxLength: 3 }),
    place: city,
  },
  { requiredKeys: [] },
);

function comparisons(of: fc.Arbitrary<string | number>): fc.Arbitrary<object> {
  return fc.oneof(
    ...(['eq', 'ne', 'gt', 'gte', 'lt', 'lte'] as const).map((name) => of.map((value) => ({ [name]: value }))),
    ...(['in', 'nin'] as const).map((name) => fc.array(of, { maxLength: 3 }).map((values) => ({ [name]: values }))),
    fc.constantFrom({ eq: null }, { ne: null }, { exists: true }),
  );
}
const onText = fc.oneof(
  comparisons(text),
  text.map((prefix) => ({ prefix })),
  text.map((contains) => ({ contains })),
);
const onTags = fc.oneof(
  fc.array(tag, { maxLength: 2 }).map((hasAll) => ({ hasAll })),
  fc.array(tag, { maxLength: 2 }).map((hasAny) => ({ hasAny })),
  tag.map((contains) => ({ contains })),
);
const where = fc.record(
  {
    name: onText,
    score: comparisons(number),
    level: comparisons(whole),
    since: comparisons(time),
    tags: onTags,
    'place.city': onText,
  },
  { requiredKeys: [] },
);
const orderBy = fc.array(
  fc
    .tuple(fc.constantFrom('name', 'score', 'level', 'since', 'place.city', 'id'), fc.constantFrom('asc', 'desc'))
    .map(([name, direction]) => ({ [name]: direction })),
  { maxLength: 2 },
);
const query: fc.Arbitrary<Query> = fc
  .record({
    where: fc.oneof(
      where,
      fc.tuple(fc.constantFrom('or', 'not'), where, where).map(([how, one, other]) => ({ [how]: [one, other] })),
    ),
    orderBy,
    limit: fc.integer({ min: 1, max: 7 }),
  })
  .map((parts) => querySchema.parse(parts));

describe('what is declared changes how records are found, never which', () => {
  test('for any documents and queries, over pages of any size', { timeout: 120_000 }, async () => {
    let count = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(document, { minLength: 1, maxLength: 25 }),
        fc.array(query, { minLength: 10, maxLength: 20 }),
        fc.nat(25),
        async (documents, queries, declaredAfter) => {
          count += 1;
          using tried = new TestAgent(directory.file(`agent-${count}.db`));
          const write = (operations: readonly StoreOperation[]): Promise<unknown> =>
            tried.store.write({ resource: '', operations });
          const puts = (collection: string): StoreOperation[] =>
            documents.map((doc, index) => put(collection, `${(index * 7) % 10}-${index}`, doc));
          await write([...puts('people').slice(0, declaredAfter), ...puts('plain')]);
          await declare(tried);
          const again = ['people', 'plain'].map((collection) => put(collection, '0-0', documents.at(-1)!));
          await write([...puts('people').slice(declaredAfter), ...again, put('people', 'gone', documents[0]!)]);
          await tried.write(remove('people', 'gone'));
          for (const wanted of queries) {
            const ids = idsOf(tried, 'people', wanted);
            expect({ wanted, ids }).toEqual({ wanted, ids: idsOf(tried, 'plain', wanted) });
          }
        },
      ),
      { seed: testSeed(), numRuns: 25 },
    );
  });

  test.each<[Query, string]>([
    [{ where: { name: 'ada' } }, 'people (name)'],
    [{ where: { name: { prefix: 'a' } } }, 'people (name)'],
    [{ where: { name: { in: ['ada', 'bob'] } } }, 'people (name)'],
    [{ where: { level: 3, score: { gte: 0.5 } } }, 'people (level, score)'],
    [{ orderBy: [{ score: 'asc' }] }, 'people (score)'],
    [{ orderBy: [{ name: 'desc' }] }, 'people (name)'],
    [{ where: { since: { gte: '2026-11-20T10:00:00Z' } } }, 'people (since, name)'],
    [{ where: { 'place.city': 'Paris' } }, 'people (place.city, level)'],
  ])('%j uses the index %s', async (wanted, index) => {
    await declare(agent);
    await agent.write(put('people', 'ada', { name: 'ada' }));
    expect(planOf('people', wanted)).toContain(index);
  });

  test('members of lists are found by their index', async () => {
    await declare(agent);
    for (let n = 0; n < 200; n += 1) await agent.write(put('people', `p-${n}`, { tags: [`t-${n % 50}`, 'all'] }));
    const answer = agent.store.query('', 'people', { where: { tags: { hasAll: ['t-7', 'all'] } }, explain: true });
    expect(JSON.stringify(answer)).toContain('SCAN members VIRTUAL TABLE');
    expect(idsOf(agent, 'people', { where: { tags: { hasAll: ['t-7', 'all'] } } })).toEqual([
      'p-107',
      'p-157',
      'p-57',
      'p-7',
    ]);
  });

  test('members that begin alike, differ in a late digit or only in their type are told apart', async () => {
    await declare(agent);
    const long = 'x'.repeat(300);
    const tags = { long, longer: `${long}y`, sum: 0.1 + 0.2, third: 0.3, number: 7, text: '7', other: '7.0' };
    for (const [id, tag] of Object.entries(tags)) await agent.write(put('people', id, { tags: [tag] }));
    for (const [id, tag] of Object.entries(tags)) {
      expect(idsOf(agent, 'people', { where: { tags: { hasAll: [tag] } } })).toEqual([id]);
      expect(idsOf(agent, 'people', { where: { tags: { hasAny: [tag, 'none'] } } })).toEqual([id]);
    }
    const many = Array.from({ length: limits.queryListValues - 1 }, (_, n) => `none-${n}`);
    expect(idsOf(agent, 'people', { where: { tags: { hasAny: [...many, '7'] } } })).toEqual(['text']);
  });

  test('members and words of a change that was undone are not found, and those of its neighbours are', async () => {
    await declare(agent);
    await agent.write(put('people', 'ada', { name: 'ada', tags: ['x'] }));
    const undone = agent.store.write({
      resource: '',
      operations: [
        put('people', 'ada', { name: 'bob', tags: ['y'] }),
        put('people', 'new', { name: 'bob', tags: ['y'] }),
        put('people', 'wrong', { tags: 'y' }),
      ],
    });
    const neighbour = agent.write(put('people', 'cyd', { name: 'cyd', tags: ['z'] }));
    await expect(undone).rejects.toMatchObject({ code: 'invalid-request' });
    await neighbour;
    for (const [tag, name, ids] of [
      ['x', 'ada', ['ada']],
      ['y', 'bob', []],
      ['z', 'cyd', ['cyd']],
    ] as const) {
      expect(idsOf(agent, 'people', { where: { tags: { hasAny: [tag] } } })).toEqual(ids);
      expect(idsOf(agent, 'people', { search: name })).toEqual(ids);
    }
  });

  test('an index goes with its declaration, and comes back with it', async () => {
    await declare(agent);
    await agent.write(put('people', 'ada', { name: 'ada', tags: ['x'] }));
    await agent.write(remove('collections', 'people'));
    expect(planOf('people', { where: { name: 'ada' } })).not.toContain('people (name)');
    await agent.write(put('people', 'bob', { name: 'bob', tags: ['x'] }));
    await declare(agent);
    expect(planOf('people', { where: { name: 'ada' } })).toContain('people (name)');
    expect(idsOf(agent, 'people', { where: { tags: { hasAny: ['x'] } } })).toEqual(['ada', 'bob']);
    agent.reopen();
    await agent.write(put('people', 'cyd', { name: 'cyd', tags: ['x'] }));
    expect(idsOf(agent, 'people', { where: { tags: { hasAny: ['x'] } } })).toEqual(['ada', 'bob', 'cyd']);
  });
});

describe('a query of a declared collection', () => {
  beforeEach(async () => {
    await declare(agent);
  });

  test.each<[Query, string]>([
    [{ where: { nmae: 'ada' } }, '"nmae": "people" has no such field; did you mean "name"?'],
    [{ orderBy: [{ scor: 'asc' }] }, '"scor": "people" has no such field; did you mean "score"?'],
    [{ where: { 'place.town': 'x' } }, '"place.town": "people" has no such field'],
    [{ aggregate: { groupBy: ['lvel'], metrics: { n: { count: '*' } } } }, 'did you mean "level"?'],
    [{ where: { score: '3' } }, '"score": is compared with number, not with text'],
    [{ where: { level: { in: [1, 'x'] } } }, '"level": is compared with number, not with text'],
    [{ where: { name: { gt: 3 } } }, '"name": is compared with text, not with number'],
    [{ where: { name: { hasAll: ['x'] } } }, '"name": is text, no list'],
  ])('%j is refused', (wanted, message) => {
    expect(() => agent.store.query('', 'people', wanted)).toThrow(message);
  });

  test('compares times in whatever form they are given', async () => {
    await agent.write(put('people', 'ada', { since: '2026-11-20T12:00:00+02:00' }));
    expect(agent.read('people', 'ada')).toEqual({ since: '2026-11-20T10:00:00.000Z' });
    expect(idsOf(agent, 'people', { where: { since: '2026-11-20 11:00:00+01:00' } })).toEqual(['ada']);
  });
});

describe('a search', () => {
  beforeEach(async () => {
    await agent.write(
      put('collections', 'notes', {
        open: true,
        fields: { title: { type: 'text' }, body: { type: 'json' } },
        search: ['title', 'body'],
      }),
    );
    await agent.write(
      put('notes', 'en', { title: 'Distributed systems', body: ['postgres and django', { deep: 'words' }] }),
    );
    await agent.write(put('notes', 'fr', { title: 'Élodie préfère Django', body: 'systems, distributed' }));
    await agent.write(put('notes', 'zh', { title: '分布式数据库系统', body: 'ไทยภาษา' }));
    await agent.write(put('other', 'en', { title: 'django' }));
  });

  test.each<[string, readonly string[]]>([
    ['django', ['en', 'fr']],
    ['DJANGO postgres', ['en']],
    ['"distributed systems"', ['en']],
    ['post*', ['en']],
    ['prefere', ['fr']],
    ['élo*', ['fr']],
    ['数据库', ['zh']],
    ['据 布', ['zh']],
    ['ภาษา', ['zh']],
    ['words', ['en']],
    ['"django words"', []],
    ['body : django OR (NEAR', []],
    ['owner', []],
  ])('for %s finds %j', (search, ids) => {
    expect(idsOf(agent, 'notes', { search }).toSorted()).toEqual(ids);
  });

  test('answers the best first, a page at a time, or in the order asked for', async () => {
    for (let n = 0; n < 20; n += 1)
      await agent.write(put('notes', `n-${n}`, { title: `kelp ${'kelp '.repeat(n % 4)}`, body: 'x '.repeat(n) }));
    const ranked = idsOf(agent, 'notes', { search: 'kelp', limit: 3 });
    expect(ranked).toEqual(idsOf(agent, 'notes', { search: 'kelp' }));
    expect(ranked[0]).toBe('n-3');
    expect(idsOf(agent, 'notes', { search: 'kelp', orderBy: [{ id: 'desc' }], limit: 7 })).toEqual(
      ranked.toSorted().toReversed(),
    );
    const counted = agent.store.query('', 'notes', { search: 'kelp', aggregate: { metrics: { n: { count: '*' } } } });
    expect(counted).toEqual({ groups: [{ n: 20 }] });
  });

  test('finds what is there, whatever happened to it before', async () => {
    await agent.write(put('notes', 'fr', { title: 'Wolof' }));
    await agent.write(remove('notes', 'en'));
    await agent.write(put('notes', 'soon', { title: 'wolof' }, { expiresAtMs: agent.clock.now() + 1000 }));
    expect(idsOf(agent, 'notes', { search: 'django' })).toEqual([]);
    expect(idsOf(agent, 'notes', { search: 'wolof' }).toSorted()).toEqual(['fr', 'soon']);
    agent.clock.advance(2000);
    await agent.store.sweep(10, false);
    agent.reopen();
    expect(idsOf(agent, 'notes', { search: 'wolof' })).toEqual(['fr']);
  });

  test.each<[string, string]>([
    ['', 'there is no word in it'],
    ['"" * ()', 'there is no word in it'],
    [Array.from({ length: 33 }, (_, n) => `w${n}`).join(' '), 'at most 32'],
  ])('for %j is refused', (search, message) => {
    expect(() => agent.store.query('', 'notes', { search })).toThrow(message);
  });

  test('of a collection without records finds none', () => {
    expect(idsOf(agent, 'threads', { search: 'kelp' })).toEqual([]);
    using other = new TestAgent(directory.file('other.db'));
    expect(other.store.query('', 'threads', { search: 'kelp' })).toEqual({ records: [], next: null });
    expect(() => other.store.query('', 'threads', { search: '' })).toThrow('there is no word in it');
  });

  test('of a collection that declares no searched field is refused', () => {
    expect(() => agent.store.query('', 'other', { search: 'django' })).toThrow('"other" declares no field to search');
  });
});
