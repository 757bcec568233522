import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { seededRandom, type SeededRandom } from '@holdfast/testkit';

import { expectDrained } from '../../harness/conservation.ts';
import { type Network, startNetwork } from '../../harness/network.ts';
import type { Service } from '../../harness/service.ts';
import { differencesNow } from '../../harness/stored.ts';
import { type FaultCase, type FaultPlan, Tally } from '../fault-case.ts';
import { BulkLoad } from '../load/bulk-load.ts';
import { putInPlace } from './put-in-place.ts';

const CASES_OF_A_NETWORK = 10;
const LEASE_SECONDS = 1;

/** What is put back to an older copy of itself. */
type Victim = 'node directory' | 'agent file' | 'relay directory';
const VICTIMS: readonly Victim[] = ['node directory', 'agent file', 'relay directory'];

/** A node, one agent's file or the relay put back to an older copy, with a random history before, between and after. */
export const oldCopy: FaultCase = {
  name: 'old-copy',
  promise:
    'an older copy put back is detected before anything is overwritten, and what the other side holds comes back',
  full: 150,
  slice: 3,
  needs: [],
  run: async (plan) => {
    const tally = new Tally();
    const random = seededRandom(plan.seed);
    for (let done = 0; done < plan.cases; done += CASES_OF_A_NETWORK) {
      await putBackAgainAndAgain({ ...plan, random, tally, done });
      plan.progress(`${Math.min(done + CASES_OF_A_NETWORK, plan.cases)} copies, ${tally.violations} violations`);
    }
    return tally.findings();
  },
};

interface Series extends FaultPlan {
  readonly random: SeededRandom;
  readonly tally: Tally;
  readonly done: number;
}

async function putBackAgainAndAgain({ cases, seed, random, tally, done }: Series): Promise<void> {
  await using network = await startNetwork({
    nodes: { n: ['ada', 'ben'] },
    relayFlags: ['--lease-seconds', String(LEASE_SECONDS)],
  });
  const load = new BulkLoad({ agents: network.agents, seed: seed + done, lines: 20, records: 60 });
  for (let number = done + 1; number <= Math.min(done + CASES_OF_A_NETWORK, cases); number += 1) {
    const victim = VICTIMS[number % VICTIMS.length] ?? 'node directory';
    tally.fire(`${victim} put back`);
    const told = await putBack(network, load, { number, victim, random });
    const broken = [...(await load.check()), ...(await differencesNow(network))];
    // Written after the copy was made, and never again: this at least has to come back.
    const mark = await network.agent('ada').client.kv.get(`mark-${number}`);
    if (mark?.value !== number) broken.push('what was written after the copy is gone');
    if (!told) broken.push('nobody said so');
    tally.violate(`copy ${number}, ${victim}`, broken);
  }
  tally.count('acknowledged writes', load.acknowledged);
}

interface Putting {
  readonly number: number;
  readonly victim: Victim;
  readonly random: SeededRandom;
}

/** Puts an older copy in place while agents write, and waits until both sides agree. Gives whether a log told of it. */
async function putBack(network: Network, load: BulkLoad, { number, victim, random }: Putting): Promise<boolean> {
  const { service } = network.node('n');
  const owner = victim === 'relay directory' ? network.relay : service;
  const place = victim === 'agent file' ? join(service.directory, 'agents', 'ada.db') : owner.directory;
  const copy = network.home.file('older-copy');
  await writeSome(load, random);
  if (random.next() < 0.5) await expectDrained(network);
  await owner.end(random.pick(['SIGKILL', 'SIGTERM']));
  await putInPlace(place, copy);
  await owner.start();
  // What was written since then and nobody else holds would be gone with the file: here the relay has it.
  await writeSome(load, random);
  await network.agent('ada').client.kv.put(`mark-${number}`, number);
  await expectDrained(network);
  if (victim === 'relay directory' && random.next() < 0.5) await writeUnderPartition(network, load, random);
  await owner.end(random.pick(['SIGKILL', 'SIGTERM']));
  await putInPlace(copy, place);
  const isApart = random.next() < 0.5;
  if (isApart) network.proxy.set({ kind: 'refuse' });
  const seen = logLength(network);
  // Sooner than its lease the older start would be taken for a copy of the one before, and kept waiting for a minute.
  if (victim === 'node directory') await pause(LEASE_SECONDS * 1500);
  await owner.start();
  await writeSome(load, random);
  network.proxy.heal();
  await expectDrained(network);
  return tellsOfIt(network, owner, seen);
}

async function writeSome(load: BulkLoad, random: SeededRandom): Promise<void> {
  load.begin();
  await load.more(random.integer(40, 300));
  await load.stop();
}

async function writeUnderPartition(network: Network, load: BulkLoad, random: SeededRandom): Promise<void> {
  network.proxy.set({ kind: 'refuse' });
  await writeSome(load, random);
  network.proxy.heal();
}

/** Log entries of each service so far; the one started anew begins with none. */
function logLength({ relay, nodes }: Network): ReadonlyMap<Service, number> {
  return new Map([relay, ...nodes.map(({ service }) => service)].map((service) => [service, service.log().length]));
}

function tellsOfIt({ relay, nodes }: Network, started: Service, seen: ReadonlyMap<Service, number>): boolean {
  const entries = [relay, ...nodes.map(({ service }) => service)].flatMap((service) =>
    service.log().slice(service === started ? 0 : seen.get(service)),
  );
  return entries.some(({ msg }) => /put back|older copy/.test(String(msg)));
}
