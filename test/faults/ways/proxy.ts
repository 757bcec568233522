import assert from 'node:assert/strict';

import { eventually, type Fault, seededRandom, type SeededRandom } from '@holdfast/testkit';

import { expectDrained } from '../../harness/conservation.ts';
import { startNetwork } from '../../harness/network.ts';
import { differencesNow } from '../../harness/stored.ts';
import { type FaultCase, type FaultPlan, type Findings, Tally } from '../fault-case.ts';
import { BulkLoad } from '../load/bulk-load.ts';

const CHECK_EVERY = 10;
/** The longest back-off is behind by then. */
const FIRES_WITHIN_MS = 120_000;

/** The way to the relay cuts requests, loses or cuts answers after their effect, delays and swallows. */
export const proxyFaults: FaultCase = {
  name: 'proxy',
  promise: 'whatever the way does to requests and answers, each write is on the relay once and as it was written',
  full: 200,
  slice: 4,
  needs: [],
  run: breakAgainAndAgain,
};

async function breakAgainAndAgain({ cases, seed, progress }: FaultPlan): Promise<Findings> {
  // Whoever does not answer for a second is given up on.
  const nodeFlags = ['--sync-timeout-seconds', '1'];
  await using network = await startNetwork({ nodes: { n: ['ada', 'ben'] }, nodeFlags });
  const tally = new Tally();
  const random = seededRandom(seed);
  const load = new BulkLoad({ agents: network.agents, seed, lines: 20 });
  for (let fault = 1; fault <= cases; fault += 1) {
    const wrong = randomFault(random);
    const fired = network.proxy.fired[wrong.kind];
    network.proxy.set(wrong, random.integer(1, 3));
    load.begin();
    await load.more(random.integer(100, 500));
    await eventually(() => assert(network.proxy.fired[wrong.kind] > fired), { limitMs: FIRES_WITHIN_MS });
    await load.stop();
    if (fault % CHECK_EVERY !== 0 && fault !== cases) continue;
    network.proxy.heal();
    await expectDrained(network);
    tally.violate(`fault ${fault}`, [...(await load.check()), ...(await differencesNow(network))]);
    progress(`${fault} faults, ${tally.violations} violations`);
  }
  for (const [kind, times] of Object.entries(network.proxy.fired)) tally.fire(kind, times);
  tally.note('acknowledged writes', load.acknowledged);
  return tally.findings();
}

function randomFault(random: SeededRandom): Fault {
  const faults: readonly Fault[] = [
    { kind: 'refuse' },
    { kind: 'cut-request', afterBytes: random.integer(1, 4000) },
    { kind: 'drop-answer' },
    { kind: 'truncate-answer', afterBytes: random.integer(1, 400) },
    { kind: 'delay', ms: random.integer(10, 1500) },
    { kind: 'stall' },
  ];
  return random.pick(faults);
}
