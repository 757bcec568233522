import type { JsonObject } from '@holdfast/protocol';

/** One thing an agent does. */
export type Write =
  | { readonly op: 'put'; readonly collection: string; readonly id: string; readonly doc: JsonObject }
  | { readonly op: 'delete'; readonly collection: string; readonly id: string };

/** An agent's work without end. Numbers are what keeps two lanes of one agent out of each other's records. */
export type Workload = (numbers: Iterable<number>) => Generator<Write>;

/** Who works where, at what. */
export interface Role {
  readonly agent: string;
  readonly node: string;
  readonly work: Workload;
}

const names = [
  'Ada Okafor',
  'Zoë Lindqvist',
  'Jiří Novák',
  '山田 陽子',
  'Inês Duarte',
  "Siobhán O'Shea",
  'Łukasz Wrona',
];
const cities = ['Lisbon', 'Kraków', 'Gothenburg', '東京', 'Galway', 'São Paulo', 'Brno', 'Nairobi'];
const skills = ['Python', 'PostgreSQL', 'Django', 'Kubernetes', 'Rust', 'TypeScript', 'SQLite', 'Kafka', 'Go'];

/** The demo's four agents on two nodes. Everybody in their documents is made up. */
export const roles: readonly Role[] = [
  { agent: 'recruiter', node: 'workstation', work: recruit },
  { agent: 'commander', node: 'workstation', work: command },
  { agent: 'screening', node: 'laptop', work: screen },
  { agent: 'analytics', node: 'laptop', work: analyse },
];

/** Every `step`th number from `first` on. */
export function* numbersFrom(first: number, step: number): Generator<number> {
  for (let number = first; ; number += step) yield number;
}

/** A candidate as the recruiter notes one. */
export function candidate(number: number, status: string): JsonObject {
  const name = pick(names, number);
  return {
    name,
    email: `candidate.${number}@example.org`,
    status,
    experience_years: number % 17,
    skills: [pick(skills, number), pick(skills, number * 5 + 2), pick(skills, number * 7 + 4)],
    location: pick(cities, number * 3),
    remote: number % 2 === 0,
    score: (number % 100) / 128,
    summary: `${name} has led a team of ${(number % 9) + 2}, prefers small companies, can start in ${(number % 6) + 1} weeks.`,
  };
}

/** New candidates; some are met, a few withdraw. */
function* recruit(numbers: Iterable<number>): Generator<Write> {
  for (const number of numbers) {
    const key = { collection: 'candidates', id: idOf('c', number) };
    yield { op: 'put', ...key, doc: candidate(number, 'new') };
    if (number % 3 === 0) yield { op: 'put', ...key, doc: candidate(number, 'interviewing') };
    if (number % 11 === 5) yield { op: 'delete', ...key };
  }
}

/** Tasks, each written three times over. */
function* command(numbers: Iterable<number>): Generator<Write> {
  for (const number of numbers) {
    for (const [attempt, status] of ['pending', 'assigned', 'completed'].entries()) {
      yield {
        op: 'put',
        collection: 'tasks',
        id: idOf('t', number),
        doc: {
          type: 'screen',
          payload: { candidate: idOf('c', number), name: pick(names, number), skill: pick(skills, number) },
          priority: 1 + (number % 10),
          status,
          max_retries: 3,
          retry_seconds: 10,
          retries: 0,
          ...(attempt > 0 && { worker: 'screening' }),
        },
      };
    }
  }
}

/** Conversations, message by message, and what came of them. */
function* screen(numbers: Iterable<number>): Generator<Write> {
  for (const number of numbers) {
    const thread = idOf('s', number);
    for (const [index, { role, content }] of interview(number).entries()) {
      yield { op: 'put', collection: 'messages', id: `${thread}.${index}`, doc: { thread, index, role, content } };
    }
    const score = Math.round(1000 * Math.abs(Math.sin(number))) / 1000;
    const doc = {
      candidate: idOf('c', number),
      score,
      passed: score >= 0.5,
      criteria: { depth: score ** 2, clarity: score },
    };
    yield { op: 'put', collection: 'assessments', id: thread, doc };
  }
}

function interview(number: number): readonly { readonly role: string; readonly content: string }[] {
  const skill = pick(skills, number);
  return [
    { role: 'assistant', content: `Tell me about something you built with ${skill}.\nTake your time.` },
    {
      role: 'user',
      content: `A billing system in ${pick(cities, number)}: “${skill}” end to end, ${number % 40} services 🚀`,
    },
    { role: 'assistant', content: `What would you do differently?\t(${(number % 3) + 1} of 3)` },
  ];
}

/** Counters written over and over, which the outbox keeps only once each, and now and then a report. */
function* analyse(numbers: Iterable<number>): Generator<Write> {
  for (const number of numbers) {
    const city = pick(cities, number);
    const funnel = {
      city,
      applied: number * 3,
      screened: number * 2,
      hired: Math.floor(number / 7),
      rate: number / (number + 21),
    };
    yield { op: 'put', collection: 'kv', id: `funnel:${city}`, doc: funnel };
    if (number % 4 === 0)
      yield { op: 'put', collection: 'reports', id: idOf('r', number), doc: { ...funnel, source: 'demo' } };
  }
}

function pick(list: readonly string[], number: number): string {
  return list[number % list.length] ?? '';
}

function idOf(prefix: string, number: number): string {
  return `${prefix}-${String(number).padStart(6, '0')}`;
}
