import { existsSync, readFileSync } from 'node:fs';

import {
  CHANGING_CALLS,
  injectedTimes,
  type Injection,
  seededRandom,
  type SeededRandom,
  straceCommand,
} from '@holdfast/testkit';

import { expectDrained } from '../../harness/conservation.ts';
import { type Network, startNetwork } from '../../harness/network.ts';
import type { Service } from '../../harness/service.ts';
import { differencesNow } from '../../harness/stored.ts';
import { type FaultCase, type FaultPlan, Tally } from '../fault-case.ts';
import { BulkLoad } from '../load/bulk-load.ts';

const CASES_OF_A_NETWORK = 20;
/** What SQLite writes and syncs with, and how often at most before the fault: from the start to well into the load. */
const COMMON_CALLS = ['pwrite64', 'fsync'];
const MOST_CALLS = 60;
const RARE_CALLS = CHANGING_CALLS.filter((call) => !COMMON_CALLS.includes(call));
const MOST_RARE_CALLS = 3;
const WRITES = 400;
/** Not every call that is chosen is made. A few may miss all: then as many again are tried, so often at most. */
const MOST_ROUNDS = 5;

/** A whole daemon or relay, from its start on, with a crash or an I/O error at some call that changes the disk. */
export const servicePoints: FaultCase = {
  name: 'service-points',
  promise: 'a service that crashes or meets an I/O error at any moment ends, starts again and has all it acknowledged',
  full: 200,
  slice: 3,
  needs: ['strace'],
  run: async (plan) => {
    const tally = new Tally();
    const random = seededRandom(plan.seed);
    const hasMissed = (done: number): boolean => tally.fired === 0 && done < MOST_ROUNDS * plan.cases;
    for (let done = 0; done < plan.cases || hasMissed(done);) {
      const cases = Math.min(CASES_OF_A_NETWORK, plan.cases - (done % plan.cases));
      await breakAgainAndAgain({ ...plan, cases, seed: plan.seed + done }, random, tally);
      done += cases;
      plan.progress(`${done} faults, ${tally.violations} violations`);
    }
    return tally.findings();
  },
};

async function breakAgainAndAgain({ cases, seed }: FaultPlan, random: SeededRandom, tally: Tally): Promise<void> {
  await using network = await startNetwork({ nodes: { n: ['ada', 'ben'] }, relayFlags: ['--lease-seconds', '1'] });
  const load = new BulkLoad({ agents: network.agents, seed, lines: 20, records: 60 });
  for (let number = 0; number < cases; number += 1) {
    const service = random.pick([network.node('n').service, network.relay]);
    const injection = randomInjection(random);
    const { effect, forEver = false, at, calls } = injection;
    const where = `${service === network.relay ? 'relay' : 'node'}, ${effect}${forEver ? ' for ever' : ''} at ${calls?.join()} ${at}`;
    tally.violate(where, await breakOnce({ network, load, service }, injection, tally));
  }
  tally.count('acknowledged writes', load.acknowledged);
}

interface Scene {
  readonly network: Network;
  readonly load: BulkLoad;
  readonly service: Service;
}

async function breakOnce(
  { network, load, service }: Scene,
  injection: Injection,
  tally: Tally,
): Promise<readonly string[]> {
  const log = network.home.file('calls.log');
  await service.end('SIGTERM');
  const hasStarted = await startsUnder(service, straceCommand(injection, log));
  if (hasStarted || service === network.relay) {
    load.begin();
    await load.more(WRITES);
    await load.stop();
  }
  const fired = existsSync(log) ? injectedTimes(readFileSync(log, 'utf8')) : 0;
  tally.fire(`${injection.effect} of a service`, fired > 0 ? 1 : 0);
  const exit = hasStarted && !service.isRunning ? await service.ended() : undefined;
  const broken = exit?.code === 0 ? ['it ended by itself as if all were well'] : [];
  if (service.isRunning) await service.end('SIGKILL');
  await service.start();
  broken.push(...(await load.check()));
  await expectDrained(network);
  return [...broken, ...(await load.check()), ...(await differencesNow(network))];
}

/** Whether it came so far that it serves: with a fault at its start it may not. */
async function startsUnder(service: Service, under: readonly string[]): Promise<boolean> {
  try {
    await service.start(under);
    return true;
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('the process ended early')) return false;
    throw error;
  }
}

function randomInjection(random: SeededRandom): Injection {
  const effect = random.pick(['kill', 'kill', 'EIO', 'ENOSPC'] as const);
  const isCommon = random.next() < 0.8;
  const call = random.pick(isCommon ? COMMON_CALLS : RARE_CALLS);
  // As many points early as late: a start makes few calls, a load makes many.
  const at = Math.ceil((isCommon ? MOST_CALLS : MOST_RARE_CALLS) ** random.next());
  return { effect, at, calls: [call], forEver: effect !== 'kill' && random.next() < 0.5 };
}
