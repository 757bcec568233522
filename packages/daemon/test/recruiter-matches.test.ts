import type { Matches } from '@holdfast/protocol';
import { testSeed } from '@holdfast/testkit';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { TestDaemon } from './support/test-daemon.ts';

let daemon: TestDaemon;
let token: string;

beforeAll(async () => {
  daemon = await TestDaemon.start();
  token = await daemon.agent('ada');
});
afterAll(() => daemon[Symbol.asyncDispose]());

interface Person {
  readonly skills?: readonly string[] | null;
  readonly experience_years?: number | null;
  readonly location?: string;
  readonly status?: string;
}

interface Position {
  readonly required_skills?: readonly string[];
  readonly nice_to_have_skills?: readonly string[];
  readonly min_experience_years?: number;
  readonly location?: string;
}

/** Writes people and a position into a resource of their own; gives what asks for matches there. */
let resources = 0;
async function staged(
  people: Readonly<Record<string, Person>>,
  position: Position,
): Promise<(query?: string) => Promise<Matches>> {
  resources += 1;
  const headers = { 'holdfast-resource': `app:${resources}` };
  const body = [
    ...Object.entries(people).map(([id, doc]) => ({ op: 'put', collection: 'candidates', id, doc })),
    { op: 'put', collection: 'requisitions', id: 'r', doc: position },
  ];
  expect((await daemon.call('POST /v1/batch', { token, headers, body })).status).toBe(200);
  return async (query = '') => {
    const { json } = await daemon.call(`GET /v1/requisitions/r/matches${query}`, { token, headers });
    return json as Matches;
  };
}

const idsOf = ({ matches }: Matches): string[] => matches.map(({ candidate }) => candidate);

describe('matches of a requisition', () => {
  test('have all required skills, and say why they stand where they do', async () => {
    const matches = await staged(
      {
        best: { skills: ['python', 'SQL', 'Kafka'], experience_years: 6, location: 'Lisbon', status: 'active' },
        good: { skills: ['Python', 'sql'], experience_years: 6, location: 'Lisbon' },
        unknown: { skills: ['PYTHON', 'Sql'], status: 'new' },
        junior: { skills: ['Python', 'SQL', 'Kafka'], experience_years: 1 },
        half: { skills: ['Python', 'Kafka'], experience_years: 9 },
        hired: { skills: ['Python', 'SQL'], experience_years: 6, status: 'hired' },
      },
      {
        required_skills: ['Python', 'SQL', 'python '],
        nice_to_have_skills: ['Kafka', 'Rust'],
        min_experience_years: 3,
        location: ' lisbon',
      },
    );
    const all = await matches();
    expect(all).toMatchObject({ requisition: 'r', examined: 3, complete: true });
    expect(all.matches).toEqual([
      {
        candidate: 'best',
        name: null,
        status: 'active',
        score: 90,
        reasons: {
          required: { met: ['Python', 'SQL'], missing: [] },
          nice_to_have: { met: ['Kafka'], missing: ['Rust'] },
          experience: { years: 6, minimum: 3, met: true },
          location: { candidate: 'Lisbon', requisition: ' lisbon', met: true },
        },
      },
      expect.objectContaining({ candidate: 'good', score: 80, status: null }),
      {
        candidate: 'unknown',
        name: null,
        status: 'new',
        score: 60,
        reasons: {
          required: { met: ['Python', 'SQL'], missing: [] },
          nice_to_have: { met: [], missing: ['Kafka', 'Rust'] },
          experience: { years: null, minimum: 3, met: null },
          location: { candidate: null, requisition: ' lisbon', met: null },
        },
      },
    ]);
    expect(idsOf(await matches('?limit=1'))).toEqual(['best']);
    expect(idsOf(await matches('?status=hired'))).toEqual(['hired']);
    const near = await matches('?lacking=1');
    expect(idsOf(near)).toEqual(['best', 'good', 'unknown', 'half']);
    expect(near.matches[3]?.reasons.required).toEqual({ met: ['Python'], missing: ['SQL'] });
  });

  test('are all who may be hired where nothing is asked for', async () => {
    const matches = await staged({ a: {}, b: { skills: ['Go'], experience_years: 2 } }, {});
    const { matches: found } = await matches();
    expect(found).toMatchObject([
      { candidate: 'b', score: 100 },
      { candidate: 'a', score: 100 },
    ]);
  });

  test('are none where nobody has a skill, and no requisition is not found', async () => {
    const matches = await staged({ a: { skills: ['Go'] } }, { required_skills: ['Cobol'] });
    expect(await matches()).toEqual({ requisition: 'r', matches: [], examined: 0, complete: true });
    const { status, json } = await daemon.call('GET /v1/requisitions/none/matches', { token });
    expect([status, json.code]).toEqual([404, 'record-not-found']);
  });

  test('are of the caller’s agent and resource only', async () => {
    const matches = await staged({ mine: { skills: ['Haskell'] } }, { required_skills: ['Haskell'] });
    await staged({ theirs: { skills: ['haskell'] } }, { required_skills: ['Haskell'] });
    const bob = await daemon.agent('bob');
    await daemon.call('PUT /v1/records/candidates/bobs', { token: bob, body: { skills: ['Haskell'] } });
    expect(idsOf(await matches())).toEqual(['mine']);
    for (const headers of [{ 'holdfast-resource': 'app:none' }, {}]) {
      const { status } = await daemon.call('GET /v1/requisitions/r/matches', { token: bob, headers });
      expect(status).toBe(404);
    }
  });

  test('are looked for among 10,000 at most, and the answer says when that was not all', async () => {
    const carol = await daemon.agent('carol');
    const lines = Array.from({ length: 10_500 }, (_, index) => {
      const doc = { skills: ['Perl'], experience_years: index % 40 };
      return JSON.stringify({ op: 'put', collection: 'candidates', id: `c-${String(index).padStart(5, '0')}`, doc });
    });
    const headers = { 'content-type': 'application/x-ndjson' };
    await daemon.call('POST /v1/batch', { token: carol, headers, body: lines.join('\n') });
    await daemon.call('PUT /v1/records/requisitions/r', { token: carol, body: { required_skills: ['perl'] } });
    const { json } = await daemon.call('GET /v1/requisitions/r/matches?limit=3', { token: carol });
    expect(json).toMatchObject({ examined: 10_000, complete: false });
    expect(idsOf(json as Matches)).toEqual(['c-00039', 'c-00079', 'c-00119']);
  });

  test.each(['limit=0', 'limit=101', 'status=gone', 'lacking=6', 'lacking=-1', 'sort=name'])(
    '?%s is refused',
    async (query) => {
      const { status, json } = await daemon.call(`GET /v1/requisitions/r/matches?${query}`, { token });
      expect([status, json.code]).toEqual([422, 'invalid-request']);
    },
  );
});

const skill = fc.constantFrom('Python', 'python', 'Go', 'GO ', 'Élan', 'élan', 'SQL');
const place = fc.constantFrom('Lisbon', 'lisbon ', '東京');
const years = fc.integer({ min: 0, max: 6 });
const person: fc.Arbitrary<Person> = fc.record(
  {
    skills: fc.option(fc.array(skill, { maxLength: 5 })),
    experience_years: fc.option(years),
    location: place,
    status: fc.constantFrom('new', 'active', 'rejected', 'hired'),
  },
  { requiredKeys: [] },
);
const position: fc.Arbitrary<Position> = fc.record(
  {
    required_skills: fc.array(skill, { maxLength: 3 }),
    nice_to_have_skills: fc.array(skill, { maxLength: 3 }),
    min_experience_years: years,
    location: place,
  },
  { requiredKeys: [] },
);

const plain = (text: string): string => text.trim().toLowerCase();

/** The same as a person with a list would do it. */
function expectedOrder(people: readonly Person[], wanted: Position, lacking: number): [id: string, score: number][] {
  const required = new Set((wanted.required_skills ?? []).map(plain));
  const nice = new Set((wanted.nice_to_have_skills ?? []).map(plain).filter((each) => !required.has(each)));
  const least = wanted.min_experience_years;
  const found = people.flatMap(({ skills, experience_years: has, location, status }, index) => {
    const own = new Set((skills ?? []).map(plain));
    const met = [...required].filter((each) => own.has(each)).length;
    const isOut = status === 'rejected' || status === 'hired';
    const isBelow = least !== undefined && typeof has === 'number' && has < least;
    if (isOut || isBelow || met < required.size - lacking) return [];
    const share = (part: number, of: number): number => (of === 0 ? 1 : part / of);
    const isThere = wanted.location === undefined || plain(wanted.location) === plain(location ?? '?');
    const score = Math.round(
      60 * share(met, required.size) +
        20 * share([...nice].filter((each) => own.has(each)).length, nice.size) +
        (least === undefined || typeof has === 'number' ? 10 : 0) +
        (isThere ? 10 : 0),
    );
    return [{ id: idOf(index), score, years: has ?? -1 }];
  });
  const sorted = found.toSorted(
    (one, other) => other.score - one.score || other.years - one.years || (one.id < other.id ? -1 : 1),
  );
  return sorted.map(({ id, score }) => [id, score]);
}

const idOf = (index: number): string => `p-${String(index).padStart(2, '0')}`;

test('matches stand in the order a plain search and sort would give, for any people and position', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(person, { minLength: 1, maxLength: 12 }),
      position,
      fc.integer({ min: 0, max: 2 }),
      async (people, wanted, lacking) => {
        const matches = await staged(Object.fromEntries(people.map((each, index) => [idOf(index), each])), wanted);
        const { matches: found } = await matches(`?limit=100&lacking=${lacking}`);
        const order = found.map(({ candidate, score }) => [candidate, score]);
        expect(order).toEqual(expectedOrder(people, wanted, lacking));
      },
    ),
    { seed: testSeed(), numRuns: 150 },
  );
});
