import { seededRandom, underClock } from '@holdfast/testkit';

import { expectDrained } from '../../harness/conservation.ts';
import { startNetwork } from '../../harness/network.ts';
import { differencesNow } from '../../harness/stored.ts';
import { type FaultCase, type FaultPlan, type Findings, Tally } from '../fault-case.ts';
import { BulkLoad } from '../load/bulk-load.ts';

const TEN_YEARS_DAYS = 3653;

/** A node, and at times its relay, started again under a clock up to ten years wrong, either way. */
export const wrongClock: FaultCase = {
  name: 'clock',
  promise: 'under a clock ten years wrong, versions go on growing, nothing is lost and the relay gets it all',
  full: 100,
  slice: 2,
  needs: ['faketime'],
  run: jumpAgainAndAgain,
};

async function jumpAgainAndAgain({ cases, seed, progress }: FaultPlan): Promise<Findings> {
  // A node gone for ten years of the relay's time is not to be kept waiting for a lease of sixty seconds.
  await using network = await startNetwork({ nodes: { n: ['ada', 'ben'] }, relayFlags: ['--lease-seconds', '1'] });
  const tally = new Tally();
  const random = seededRandom(seed);
  const load = new BulkLoad({ agents: network.agents, seed, lines: 20 });
  const { service } = network.node('n');
  for (let jump = 1; jump <= cases; jump += 1) {
    load.begin();
    await load.more(random.integer(50, 300));
    const whose = random.next() < 0.75 ? service : network.relay;
    await (whose === service ? service.end('SIGKILL') : load.stop());
    if (whose === network.relay) await whose.end('SIGKILL');
    await load.ended();
    const days = random.pick([-TEN_YEARS_DAYS, TEN_YEARS_DAYS, random.integer(-TEN_YEARS_DAYS, TEN_YEARS_DAYS), 0]);
    await whose.start(underClock(days));
    tally.fire(`clock jumps of a ${whose === service ? 'node' : 'relay'}`);
    tally.violate(`jump ${jump}, to ${days} days`, await load.check());
    await expectDrained(network);
    tally.violate(`jump ${jump}, to ${days} days`, await differencesNow(network));
    if (jump % 10 === 0) progress(`${jump} jumps, ${tally.violations} violations`);
  }
  tally.note('acknowledged writes', load.acknowledged);
  return tally.findings();
}
