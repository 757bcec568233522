// Screening on one machine, a hiring manager and analytics on another: what they share, with the relay away in the middle. See README.md.

import { setTimeout as sleep } from 'node:timers/promises';

import { connect, type Holdfast, HoldfastProblem } from '@holdfast/client';

/** What screening found out about a candidate. */
interface Analysis {
  readonly name: string;
  readonly score: number;
}

const POLL_MS = 100;
const ANALYSES = 'candidate:';

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** An agent's connection to the daemon of its machine; the admin makes the agent if it is new. */
async function connectAs(agent: string, machine: 'HERE' | 'THERE'): Promise<Holdfast> {
  const place = { url: process.env[`HOLDFAST_URL_${machine}`], token: process.env[`HOLDFAST_TOKEN_${machine}`] };
  await using admin = connect(place);
  await admin.agents.create(agent).catch((error: unknown) => {
    if (!(error instanceof HoldfastProblem) || error.code !== 'agent-exists') throw error;
  });
  return connect({ ...place, agent });
}

/** Waits until messages reach the network, or the node alone. */
async function untilReach({ channels }: Holdfast, reach: 'network' | 'node'): Promise<void> {
  while ((await channels.present('*')).reach !== reach) await sleep(POLL_MS);
}

/** Analyses a candidate and shares the result for two hours. */
async function screen({ context, channels }: Holdfast, id: string, analysis: Analysis): Promise<void> {
  await context.put(`${ANALYSES}${id}`, analysis, { ttl: 7200 });
  await channels.publish('agent:updates:screening', { candidate: id });
}

/** The manager's part: decides about each analysis once, also when two managers look. */
async function decide({ context, locks }: Holdfast, key: string, { name, score }: Analysis): Promise<void> {
  const id = key.slice(ANALYSES.length);
  await locks.with(`decision:${id}`, { scope: 'network', ttlSeconds: 10 }, async ({ ifFence }) => {
    await context.put(`decision:${id}`, { name, invite: score >= 0.8 }, { ifFence });
  });
  say(`manager: ${name} ${score >= 0.8 ? 'is invited' : 'is not invited'}`);
}

/** Follows what screening shares until `count` candidates are decided about. */
async function manage(manager: Holdfast, count: number): Promise<void> {
  const decided = new Set<string>();
  for await (const { key, value } of manager.context.watch<Analysis>(ANALYSES)) {
    if (value === undefined || decided.has(key)) continue;
    await decide(manager, key, value);
    decided.add(key);
    if (decided.size === count) return;
  }
}

/** What analytics makes of it, from its own machine's copy. */
async function summarise({ context }: Holdfast): Promise<void> {
  const scores: number[] = [];
  for await (const { value } of context.list<Analysis>({ prefix: ANALYSES })) scores.push(value.score);
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  say(`analytics: ${scores.length} analyses, ${mean.toFixed(2)} on average`);
}

async function tryToDecideAlone({ locks }: Holdfast): Promise<void> {
  const refusal = await locks.acquire('decision:any', { scope: 'network' }).catch((error: unknown) => error);
  say(
    `screening: a lock of the network is refused meanwhile: ${refusal instanceof HoldfastProblem ? refusal.code : 'no'}`,
  );
}

await using screening = await connectAs('screening', 'HERE');
await using manager = await connectAs('manager', 'THERE');
await using analytics = await connectAs('analytics', 'THERE');
await Promise.all([untilReach(screening, 'network'), untilReach(manager, 'network')]);

const first = manage(manager, 2);
await screen(screening, 'c-1', { name: 'Ada', score: 0.9 });
await screen(screening, 'c-2', { name: 'Ben', score: 0.6 });
await first;

say('now stop the relay');
await untilReach(screening, 'node');
await screen(screening, 'c-3', { name: 'Cyd', score: 0.84 });
say(`screening: goes on alone, ${(await screening.context.get<Analysis>(`${ANALYSES}c-3`))?.value.name} is analysed`);
await tryToDecideAlone(screening);
await untilReach(manager, 'node');
await summarise(analytics);

say('now start the relay again');
await untilReach(manager, 'network');
await manage(manager, 3);
await summarise(analytics);
const decision = screening.context.watch<{ readonly invite: boolean }>('decision:c-3');
for await (const { value } of decision) {
  say(`screening: has heard that Cyd ${value?.invite === true ? 'is invited' : 'is not invited'}`);
  break;
}
