// A day of a commander: three agents on one machine's daemon, through the client. See README.md.

import { connect, type Holdfast, HoldfastProblem } from '@holdfast/client';

const AGENTS = ['commander', 'screening', 'analytics'] as const;
const CANDIDATES = [1, 2, 3, 4, 5, 6];

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** An agent's connection. Agents with a program of their own have a token of their own. */
function connectAs(agent: (typeof AGENTS)[number]): Holdfast {
  return connect({ agent });
}

async function makeAgents(): Promise<void> {
  await using admin = connect();
  for (const agent of AGENTS)
    await admin.agents.create(agent).catch((error: unknown) => {
      if (!(error instanceof HoldfastProblem) || error.code !== 'agent-exists') throw error;
    });
}

async function plan(commander: Holdfast): Promise<string> {
  const { tasks, registry } = commander;
  await registry.heartbeat({ role: 'commander', status: 'active', capabilities: ['plan'] });
  await commander.collection('goals').put('hires', { title: 'Ten engineers by spring', target: 10, current: 0 });
  for (const candidate of CANDIDATES) {
    const task = { type: 'screen', payload: { candidate }, workers: ['screening'], retry_seconds: 0 };
    await commander.collection('tasks').put(`screen-${candidate}`, task);
  }
  const dependencies = CANDIDATES.map((candidate) => `screen-${candidate}`);
  const report = await tasks.add({ type: 'report', workers: ['analytics'], dependencies });
  say(`made ${CANDIDATES.length} tasks, and a report that waits for them`);
  return report.id;
}

/** Screens candidates until there are no more; the first try of the fourth one fails. */
async function screen({ tasks, registry, metrics }: Holdfast): Promise<void> {
  await registry.heartbeat({ role: 'screener', status: 'busy', capabilities: ['screen'] });
  const done = new AbortController();
  const screened: string[] = [];
  await tasks.work(
    async ({ id, payload, retries }) => {
      const { candidate } = payload as { candidate: number };
      if (candidate === 4 && retries === 0) throw new Error('the model did not answer');
      screened.push(id);
      if (screened.length === CANDIDATES.length) done.abort();
      metrics.record('screening_score', candidate * 16 - 5);
      return { points: candidate * 16 };
    },
    { from: 'commander', types: ['screen'], idleSeconds: 0.1, signal: done.signal },
  );
  await metrics.flush();
  await registry.heartbeat({ status: 'idle' });
  say(`screening did ${screened.toSorted().join(', ')}`);
}

/** Does the report, once all candidates are screened. */
async function report({ tasks, registry }: Holdfast, commander: Holdfast): Promise<void> {
  await registry.heartbeat({ role: 'analyst', capabilities: ['report'] });
  const task = await tasks.claim({ from: 'commander', types: ['report'] });
  if (task === undefined) throw new Error('the report is not there yet');
  const screened = { where: { type: 'screen', status: 'completed' as const } };
  const { records } = await commander.collection('tasks').query(screened);
  const points = records.map(({ doc }) => (doc.result as { points: number }).points);
  await tasks.complete(task, { candidates: points.length, best: Math.max(...points) });
}

async function decide(commander: Holdfast, reportId: string): Promise<void> {
  const retried = await commander.collection('tasks').query({ where: { retries: { gt: 0 } } });
  for (const { id, doc } of retried.records) say(`${id} took ${(doc.retries ?? 0) + 1} tries`);
  const done = await commander.collection('tasks').get(reportId);
  const { candidates, best } = (done?.doc.result ?? {}) as Record<string, number>;
  say(`the report counts ${candidates} candidates, the best one has ${best} points`);
  const decision = { type: 'shortlist', subject: '6', choice: 'invite', reasoning: 'The best of all', confidence: 0.9 };
  await commander.collection('decisions').put('d-1', decision);
  say(`decided: ${decision.choice} candidate ${decision.subject}, as sure as ${decision.confidence}`);
  await commander.collection('goals').patch('hires', { current: 1, progress: 0.1 });
  say('hires: 10 % of the goal');
  await commander.mail.send({ to: 'screening', subject: 'Well done', body: { screened: candidates } });
}

async function readMail({ mail }: Holdfast): Promise<void> {
  for await (const { id, from, subject } of mail.inbox({ status: 'unread' })) {
    say(`screening has a letter from ${from}: ${subject}`);
    await mail.read(id);
  }
}

async function evening(commander: Holdfast, screening: Holdfast): Promise<void> {
  const [day] = await screening.metrics.series('screening_score', { every: '1d' });
  say(`metrics: ${Number(day?.['n'])} values, ${Number(day?.['avg'])} on average`);
  const given = [
    { awarded_to: 'screening', type: 'screened_all', points: 60 },
    { awarded_to: 'analytics', type: 'reported', points: 25 },
  ];
  for (const achievement of given) await commander.collection('achievements').put(achievement.type, achievement);
  for (const [index, { agent, points }] of (await commander.achievements.leaderboard()).entries())
    say(`${index + 1}. ${agent} with ${points} points`);
  const agents = await commander.registry.list();
  say(`now: ${agents.map(({ agent, status }) => `${agent} is ${status}`).join(', ')}`);
}

await makeAgents();
await using commander = connectAs('commander');
await using screening = connectAs('screening');
await using analytics = connectAs('analytics');
const reportId = await plan(commander);
await screen(screening);
await report(analytics, commander);
await decide(commander, reportId);
await readMail(screening);
await evening(commander, screening);
