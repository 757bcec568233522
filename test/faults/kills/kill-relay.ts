import { seededRandom } from '@holdfast/testkit';

import { expectDrained } from '../../harness/conservation.ts';
import { type Network, startNetwork } from '../../harness/network.ts';
import { relayTakesMore } from '../../harness/progress.ts';
import { differencesNow } from '../../harness/stored.ts';
import { type FaultCase, type FaultPlan, type Findings, Tally } from '../fault-case.ts';
import { BulkLoad } from '../load/bulk-load.ts';
import { forgottenStreams } from '../load/cursors.ts';

const LEAST_WRITES = 1000;
const MOST_WRITES = 1400;
const CHECK_CONTENT_EVERY = 50;

/** A relay killed while a node sends to it. What it acknowledged before must be there when it is back. */
export const killRelay: FaultCase = {
  name: 'kill-relay',
  promise: 'a relay killed while it takes batches has all that it acknowledged, and takes the rest when it is back',
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
  const load = new BulkLoad({ agents: network.agents, seed });
  for (let cycle = 1; cycle <= cases; cycle += 1) {
    load.begin();
    await relayTakesMore(network);
    await load.more(random.integer(LEAST_WRITES, MOST_WRITES));
    await network.relay.end('SIGKILL');
    tally.fire('SIGKILL');
    await load.stop();
    tally.violate(`kill ${cycle}`, await forgottenStreams(network, () => network.relay.start()));
    if (cycle % CHECK_CONTENT_EVERY === 0 || cycle === cases) {
      await expectDrained(network);
      tally.violate(`kill ${cycle}`, [...(await load.check()), ...(await differencesNow(network))]);
      progress(`${cycle} kills, ${load.acknowledged} acknowledged writes, ${tally.violations} lost`);
    }
  }
  tally.note('acknowledged writes', load.acknowledged);
  return tally.findings();
}
