// A day of a recruiter: an agent that works on its own machine's daemon, through the client. See README.md.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { connect, type Holdfast, HoldfastProblem, type Match } from '@holdfast/client';

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const place = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The applicants of a file: one of its rows is broken, and is named. */
async function importApplicants(): Promise<void> {
  const command = [place('../../packages/cli/src/main.mjs'), 'import', 'candidates', place('applicants.csv')];
  const importing = spawn(process.execPath, command, { stdio: 'inherit' });
  await once(importing, 'close');
}

async function openPosition(holdfast: Holdfast): Promise<string> {
  await holdfast.collection('requisitions').put('backend-lisbon', {
    title: 'Backend engineer',
    location: 'Lisbon',
    priority: 8,
    required_skills: ['Python', 'PostgreSQL'],
    nice_to_have_skills: ['Kafka'],
    min_experience_years: 4,
  });
  return 'backend-lisbon';
}

function reasonsOf({ reasons: { nice_to_have: nice, experience, location } }: Match): string {
  const extra = nice.met.length > 0 ? `, also ${nice.met.join(', ')}` : '';
  return `${experience.years} years${extra}, ${location.met === true ? 'lives there' : `lives in ${location.candidate}`}`;
}

async function findSomebody({ recruiter }: Holdfast, position: string): Promise<string> {
  const { matches } = await recruiter.matches(position);
  for (const match of matches) say(`${match.score} points: ${match.name} (${reasonsOf(match)})`);
  const [best] = matches;
  if (best === undefined) throw new Error('nobody fits');
  return best.candidate;
}

async function interview(holdfast: Holdfast, candidate: string, position: string): Promise<void> {
  const { recruiter } = holdfast;
  const tomorrow = new Date(Date.now() + 24 * 60 * 60 * 1000).toISOString();
  const planned = { candidate, requisition: position, interviewer: 'grace', scheduled_at: tomorrow, kind: 'technical' };
  await holdfast.collection('interviews').put('i-1', planned);
  for await (const { doc } of recruiter.upcoming({ days: 2 }))
    say(`planned: ${doc.interviewer} talks with ${doc.candidate}`);
  await recruiter.recordOutcome('i-1', { outcome: 'pass', feedback: 'Knows her databases.', rating: 5 });
  const again = await recruiter.recordOutcome('i-1', { outcome: 'pass' });
  say(`said twice, written once: ${again.repeated}`);
}

/** Two managers answer at once: one of them does, the other one is told. */
async function askManager(holdfast: Holdfast, candidate: string): Promise<void> {
  const { recruiter } = holdfast;
  await holdfast
    .collection('interactions')
    .put('m-1', { manager: 'grace', candidate, kind: 'offer', content: 'Shall we?' });
  const answers = await Promise.all(['grace', 'alan'].map((by) => acknowledgedBy(recruiter, by)));
  for await (const { id } of recruiter.pending({ manager: 'grace' })) say(`still waiting: ${id}`);
  say(`acknowledged by ${answers.filter(Boolean).length} of ${answers.length}`);
}

async function acknowledgedBy(recruiter: Holdfast['recruiter'], by: string): Promise<boolean> {
  try {
    await recruiter.acknowledge('m-1', { by, response: 'Yes' });
    return true;
  } catch (error) {
    if (error instanceof HoldfastProblem && error.code === 'precondition-failed') return false;
    throw error;
  }
}

async function day(holdfast: Holdfast): Promise<void> {
  const { recruiter } = holdfast;
  await holdfast
    .collection('candidates')
    .put('c-1', { name: 'Ada Okafor', skills: ['Python', 'Django'], experience_years: 7 });
  await importApplicants();
  const { records } = await recruiter.search({ skillsAny: ['Python', 'python'], minExperienceYears: 6 });
  say(`with Python for six years: ${records.map(({ doc }) => doc.name).join(', ')}`);
  const { duplicates } = await recruiter.duplicates();
  for (const { email, candidates } of duplicates) say(`twice: ${email} (${candidates.join(', ')})`);
  const position = await openPosition(holdfast);
  const best = await findSomebody(holdfast, position);
  await interview(holdfast, best, position);
  await askManager(holdfast, best);
}

await using holdfast = connect();
await day(holdfast);
