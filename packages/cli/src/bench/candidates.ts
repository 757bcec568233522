import type { DeclarationRequest } from '@holdfast/client';
import type { Query } from '@holdfast/protocol';

import { chance, wordOf } from './made-up.ts';
import { sampleNumber } from './sample-document.ts';

/** The collection of the bench's candidates. */
export const CANDIDATES = 'bench_candidates';

/** What is declared of them: four indexes, and words to search. */
export const candidatesDeclaration: DeclarationRequest = {
  help: 'Candidates of the bench',
  fields: {
    name: { type: 'text', required: true, maxLength: 200 },
    email: { type: 'text', format: 'email' },
    status: { type: 'text', oneOf: ['active', 'hired', 'withdrawn'] },
    experience_years: { type: 'integer', min: 0, max: 60 },
    skills: { type: 'list', of: { type: 'text' }, maxItems: 50 },
    location: { type: 'object', fields: { city: { type: 'text' }, remote: { type: 'boolean' } } },
    score: { type: 'number' },
    summary: { type: 'text' },
  },
  indexes: [['skills'], ['status', 'experience_years'], ['experience_years'], ['email']],
  search: ['summary'],
};

/** Different skills; each stands with one candidate in a hundred. */
const SKILLS = 400;
const SKILLS_EACH = 4;
const EXPERIENCE_YEARS = 40;
/** One candidate in twenty has so many years or more. */
const MUCH_EXPERIENCE = 38;
const SUMMARY_WORDS = 12;
const WORDS = 4000;
const STATUSES = ['active', 'active', 'hired', 'withdrawn'];

/** Records of a page of these queries. */
export const PAGE = 50;

/** A candidate's document as JSON text, about 350 bytes. */
export function candidateDocument(index: number): string {
  const number = sampleNumber(index);
  return JSON.stringify({
    name: `Candidate ${number}`,
    email: `candidate.${number}@example.org`,
    status: STATUSES[Math.floor(chance(index, 0) * STATUSES.length)],
    experience_years: Math.floor(chance(index, 1) * EXPERIENCE_YEARS),
    skills: skillsOf(index),
    location: { city: wordOf(Math.floor(chance(index, 2) * 300)), remote: chance(index, 3) < 0.5 },
    score: Math.round(chance(index, 4) * 10_000) / 10_000,
    summary: summaryOf(index),
  });
}

/** What the queries ask for: a skill and many years of experience, which one candidate in two thousand has. */
export interface Wanted {
  readonly skill: string;
  readonly years: number;
}

/** What is asked for, one after the other: each skill once. */
export const wanted: readonly Wanted[] = Array.from({ length: SKILLS }, (_, number) => ({
  skill: skillName(number),
  years: MUCH_EXPERIENCE,
}));

/** A query for candidates in our language. */
export function candidateQuery({ skill, years }: Wanted): Query {
  return { where: { skills: { hasAll: [skill] }, experience_years: { gte: years } }, limit: PAGE };
}

/** How a skill stands in the index over the members of lists: the collection has but one. */
export function memberWord(skill: string): string {
  return `f1t${Buffer.from(skill).toString('hex')}`;
}

function skillsOf(index: number): string[] {
  const first = Math.floor(chance(index, 5) * SKILLS);
  const step = 1 + Math.floor(chance(index, 6) * (SKILLS / SKILLS_EACH - 1));
  return Array.from({ length: SKILLS_EACH }, (_, place) => skillName((first + place * step) % SKILLS));
}

function skillName(number: number): string {
  return `Skill ${wordOf(number)}`;
}

function summaryOf(index: number): string {
  return Array.from({ length: SUMMARY_WORDS }, (_, place) =>
    wordOf(Math.floor(chance(index, 20 + place) * WORDS)),
  ).join(' ');
}
