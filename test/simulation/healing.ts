import { assertCarriedIsThere, countCarriedLosses } from './feed-losses.ts';
import { retryLetters } from './operator.ts';
import type { NodeLine } from './simulated-node.ts';
import { countLosses } from './survival.ts';
import type { World } from './world.ts';

const ROUND_MS = 20_000;
/** More rounds than any wait of the protocol: a link that was refused is tried again every minute. */
const MOST_ROUNDS = 30;
/** Rounds after which an operator restarts a daemon that says it was cloned. */
const CLONED_ROUNDS = 5;
/** Longer than a call can be on its way. */
const LATE_CALLS_MS = 240_000;

/** Ends all that is wrong, and waits until everything is where it belongs. */
export async function heal(world: World): Promise<void> {
  world.network.heal();
  world.note('world', 'heals');
  await world.settle();
  world.startAll();
  await assertCarriedIsThere(world);
  for (const node of world.nodes) await endClone(world, node);
  await drain(world);
  await world.pass(LATE_CALLS_MS);
  await drain(world);
}

/** Of two lines of a node one is given up. What only it had is lost with it, but not in silence. */
async function endClone(world: World, node: string): Promise<void> {
  const [first, second] = world.linesOf(node);
  if (first === undefined || second === undefined) return;
  // Each has had the time to learn how it stands.
  await world.pass(LATE_CALLS_MS);
  world.startAll();
  await world.settle();
  const [kept, ended] = world.random.next() < 0.5 ? [first, second] : [second, first];
  assertTold(world, ended);
  world.note(ended.label, 'given up');
  await ended.stop();
  world.lines.splice(world.lines.indexOf(ended), 1);
  await countLosses(world, node, kept.expectations.join(ended.expectations));
  await countCarriedLosses(world);
}

/** Whoever has what the relay lacks says so: its link is not open, or something waits. */
function assertTold(world: World, { life, label }: NodeLine): void {
  if (life === undefined || life.sync.link.state !== 'open') return;
  for (const agent of life.agents) {
    const state = life.sync.streamState(agent);
    const { outbox } = life.files.get(agent).counters;
    if (outbox > 0 && state === 'clean') world.violated(`${label}: ${agent} has ${outbox} to send and rests`);
  }
}

async function drain(world: World): Promise<void> {
  const clonedRounds = new Map<NodeLine, number>();
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    await world.pass(ROUND_MS);
    let retried = 0;
    for (const line of world.lines) retried += await retryLetters(world, line, false);
    for (const line of world.lines) await restartCloned(world, line, clonedRounds);
    if (retried === 0 && world.lines.every(isDrained)) return;
  }
  for (const line of world.lines) if (!isDrained(line)) world.violated(`not drained: ${describe(line)}`);
}

async function restartCloned(world: World, line: NodeLine, rounds: Map<NodeLine, number>): Promise<void> {
  if (line.life?.sync.link.state !== 'cloned') return;
  rounds.set(line, (rounds.get(line) ?? 0) + 1);
  if ((rounds.get(line) ?? 0) < CLONED_ROUNDS) return;
  rounds.delete(line);
  await line.stop();
  world.startLine(line);
}

function isDrained({ life, shares, posts }: NodeLine): boolean {
  if (life === undefined || life.sync.link.state !== 'open') return false;
  if (shares && life.sync.followers.statusOf('shared').state !== 'following') return false;
  if (posts && (life.sync.followers.statusOf('addressed').state !== 'following' || life.arrivals.held > 0))
    return false;
  if (life.subscriptions.list().some(({ state }) => state !== 'following')) return false;
  return life.agents.every((agent) => {
    const isAtRest = life.files.get(agent).counters.outbox === 0 && life.sync.streamState(agent) === 'clean';
    return isAtRest && life.sync.digestState(agent) !== 'different';
  });
}

function describe({ label, life }: NodeLine): string {
  if (life === undefined) return `${label} is down`;
  const agents = life.agents.map((agent) => {
    const { outbox } = life.files.get(agent).counters;
    return `${agent} ${life.sync.streamState(agent)}, ${outbox} waiting, ${life.sync.digestState(agent)}`;
  });
  const { followers, link } = life.sync;
  const feeds = (['shared', 'addressed'] as const).map((name) => `${name} ${followers.statusOf(name).state}`);
  const copies = life.subscriptions.list().map(({ name, state }) => `copy ${name} ${state}`);
  return `${label}: link ${link.state}, ${feeds.join(', ')}, ${life.arrivals.held} letters held, ${copies.join(', ')}, ${agents.join('; ')}`;
}
