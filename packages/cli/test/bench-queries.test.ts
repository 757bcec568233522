import { expect, test } from 'vitest';

import { figures } from '../src/bench/all-figures.ts';
import { candidateDocument, candidateQuery, wanted } from '../src/bench/candidates.ts';
import { messageDocument, searches } from '../src/bench/chat-messages.ts';
import { wordOf } from '../src/bench/made-up.ts';
import { quickScale } from '../src/bench/scale.ts';
import { Surroundings } from '../src/bench/surroundings.ts';

const LIMIT_MS = 120_000;
const scale = {
  ...quickScale,
  rounds: 1,
  warmUpMs: 20,
  measureMs: 200,
  queriedRecords: 400,
  networkRecords: 3000,
  tasks: 3000,
  channelMessages: 300,
};

test.each([
  ['query.node', ['query.node.above-sql', 'query.node.p99']],
  ['query.text', ['query.text.p99']],
  ['query.relay', ['query.relay', 'query.relay.p99']],
  ['write.validated', ['write.validated']],
  ['tasks.claim', ['tasks.claim']],
  ['channel.fanout', ['channel.fanout']],
  ['stream', ['stream.memory']],
  ['open.upgraded', ['open.upgraded']],
])(
  '%s is measured with real processes, however little there is',
  async (name, readings) => {
    await using surroundings = new Surroundings();
    const measured = await figures.find((figure) => figure.name === name)?.measure({ surroundings, scale });
    expect(measured?.map((reading) => reading.name)).toEqual(readings);
    for (const { value } of measured ?? []) expect(value).not.toBeNaN();
  },
  LIMIT_MS,
);

test('what is made up is the same in every run, finds something, and no two words are alike', () => {
  expect(candidateDocument(7)).toBe(candidateDocument(7));
  expect(candidateDocument(7)).not.toBe(candidateDocument(8));
  const [first] = wanted;
  const { skill = '', years = 0 } = first ?? {};
  const candidates = Array.from({ length: 20_000 }, (_, index) => JSON.parse(candidateDocument(index)) as Candidate);
  const found = candidates.filter((each) => each.skills.includes(skill) && each.experience_years >= years);
  expect(found.length).toBeGreaterThan(0);
  expect(candidateQuery({ skill, years }).where).toEqual({
    skills: { hasAll: [skill] },
    experience_years: { gte: years },
  });
  const texts = Array.from({ length: 2000 }, (_, index) => messageDocument(index)).join(' ');
  expect(texts).toContain(searches[1]?.split(' ')[0]);
  expect(new Set(Array.from({ length: 20_000 }, (_, number) => wordOf(number))).size).toBe(20_000);
});

interface Candidate {
  readonly skills: readonly string[];
  readonly experience_years: number;
}
