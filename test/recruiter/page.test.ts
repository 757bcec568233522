import { readFileSync, writeFileSync } from 'node:fs';

import { connect } from '@holdfast/client';
import type { Candidate } from '@holdfast/protocol';
import { expect, test } from 'vitest';

import { startAgentNode } from '../harness/agent-node.ts';
import { typedOn, typeIt } from '../harness/typed-page.ts';

const LIMIT_MS = 120_000;
const DAY_MS = 24 * 60 * 60 * 1000;

/** The page, with its interview two days from now. */
const inTwoDays = new Date(Date.now() + 2 * DAY_MS).toISOString().slice(0, 10);
const page = readFileSync(new URL('../../docs/recruiter.md', import.meta.url), 'utf8').replaceAll(
  '2026-11-30',
  inTwoDays,
);

const typed = typedOn(page);
const applicants = /^```csv\n(.+?)^```/ms.exec(page)?.[1] ?? '';

test(
  'what docs/recruiter.md tells to type answers as it says',
  async () => {
    await using node = await startAgentNode(['recruiter']);
    writeFileSync(node.home.file('applicants.csv'), applicants);
    const options = { cwd: node.home.path, environment: node.environmentOf(node.tokenOf('recruiter')) };
    expect(typed.filter(({ answer }) => answer !== undefined)).toHaveLength(4);
    for (const step of typed) {
      const said = await typeIt(step, options);
      expect(said).toBe(step.answer ?? said);
    }
  },
  LIMIT_MS,
);

test('the client finds candidates by all that a search can say, page by page', async () => {
  await using node = await startAgentNode(['recruiter']);
  await using holdfast = connect({ url: node.url, token: node.tokenOf('recruiter') });
  const { recruiter } = holdfast;
  const people: Readonly<Record<string, Candidate>> = {
    a: {
      skills: ['Python', 'Go'],
      experience_years: 3,
      status: 'new',
      location: 'Lisbon',
      resume: 'distributed systems',
    },
    b: { skills: ['Python'], experience_years: 8, status: 'active', location: 'Lisbon', notes: 'distributed teams' },
    c: { skills: ['Go'], experience_years: 5, status: 'active', location: 'Brno' },
  };
  for (const [id, doc] of Object.entries(people)) await holdfast.collection('candidates').put(id, doc);
  const found = async (...[search]: Parameters<typeof recruiter.search>): Promise<string[]> =>
    (await recruiter.search(search)).records.map(({ id }) => id);
  expect(await found()).toEqual(['a', 'b', 'c']);
  expect(await found({ skillsAll: ['Python', 'Go'] })).toEqual(['a']);
  expect(await found({ skillsAny: ['Python', 'Rust'] })).toEqual(['a', 'b']);
  expect(await found({ skillsAll: ['Go'], skillsAny: ['Python'] })).toEqual(['a']);
  expect(await found({ minExperienceYears: 5 })).toEqual(['b', 'c']);
  expect(await found({ status: 'active' })).toEqual(['b', 'c']);
  expect(await found({ status: ['new', 'hired'] })).toEqual(['a']);
  expect(await found({ location: 'Lisbon', minExperienceYears: 4 })).toEqual(['b']);
  expect(await found({ text: 'distributed', status: 'active' })).toEqual(['b']);
  const { next } = await recruiter.search({ limit: 2 });
  expect(await found({ limit: 2, after: next ?? '' })).toEqual(['c']);
});

test('the client follows interviews and interactions over pages', async () => {
  await using node = await startAgentNode(['recruiter']);
  await using holdfast = connect({ url: node.url, token: node.tokenOf('recruiter') });
  const { recruiter } = holdfast;
  for (const number of [1, 2, 3]) {
    const at = new Date(Date.now() + (number - 0.5) * DAY_MS).toISOString();
    await holdfast.collection('interviews').put(`i-${number}`, { scheduled_at: at });
    await holdfast.collection('interactions').put(`m-${number}`, { manager: 'grace' });
  }
  const idsOf = async (records: AsyncIterable<{ readonly id: string }>): Promise<string[]> => {
    const ids: string[] = [];
    for await (const { id } of records) ids.push(id);
    return ids;
  };
  expect(await idsOf(recruiter.upcoming({ limit: 1 }))).toEqual(['i-1', 'i-2', 'i-3']);
  expect(await idsOf(recruiter.upcoming({ days: 1 }))).toEqual(['i-1']);
  expect(await idsOf(recruiter.pending({ manager: 'grace', limit: 2 }))).toEqual(['m-1', 'm-2', 'm-3']);
  const first = await recruiter.acknowledge('m-2');
  expect(first).toMatchObject({ repeated: false, ack: 'local' });
  expect(await recruiter.acknowledge('m-2')).toEqual({ ...first, repeated: true });
  await expect(recruiter.acknowledge('m-2', { by: 'alan' })).rejects.toMatchObject({ code: 'precondition-failed' });
  await expect(recruiter.recordOutcome('none', { outcome: 'pass' })).rejects.toMatchObject({
    code: 'record-not-found',
  });
});
