import { seededRandom } from '@holdfast/testkit';

import { expectDrained } from '../../harness/conservation.ts';
import { type Network, startNetwork } from '../../harness/network.ts';
import { differencesNow } from '../../harness/stored.ts';
import { type FaultCase, type FaultPlan, type Findings, Tally } from '../fault-case.ts';
import { BulkLoad } from '../load/bulk-load.ts';

const LEAST_WRITES = 1000;
const MOST_WRITES = 1400;
const CHECK_RELAY_EVERY = 50;

/** A daemon killed while it writes and sends. Checked after every start, before anything is written again. */
export const killNode: FaultCase = {
  name: 'kill-node',
  promise: 'a daemon killed in mid-write has every acknowledged write, and so has the relay',
  full: 500,
  slice: 3,
  needs: [],
  run: async (plan) => {
    await using network = await startNetwork({ nodes: { n: ['ada', 'ben', 'cyd'] } });
    return await killAgainAndAgain(network, plan);
  },
};

async function killAgainAndAgain(network: Network, { cases, seed, progress }: FaultPlan): Promise<Findings> {
  const tally = new Tally();
  const random = seededRandom(seed);
  const { service } = network.node('n');
  const load = new BulkLoad({ agents: network.agents, seed });
  for (let cycle = 1; cycle <= cases; cycle += 1) {
    load.begin();
    await load.more(random.integer(LEAST_WRITES, MOST_WRITES));
    await service.end('SIGKILL');
    tally.fire('SIGKILL');
    await load.ended();
    // Every other time the relay cannot help: what is there, this file has kept.
    if (cycle % 2 === 0) network.proxy.set({ kind: 'refuse' });
    await service.start();
    tally.violate(`kill ${cycle}`, await load.check());
    network.proxy.heal();
    if (cycle % CHECK_RELAY_EVERY === 0 || cycle === cases) {
      await expectDrained(network);
      tally.violate(`kill ${cycle}`, await differencesNow(network));
      progress(`${cycle} kills, ${load.acknowledged} acknowledged writes, ${tally.violations} lost`);
    }
  }
  tally.note('acknowledged writes', load.acknowledged);
  return tally.findings();
}
