import { setTimeout as pause } from 'node:timers/promises';

import { seededRandom } from '@holdfast/testkit';

import { expectDrained } from '../../harness/conservation.ts';
import { startNetwork } from '../../harness/network.ts';
import { differencesNow } from '../../harness/stored.ts';
import { type FaultCase, type FaultPlan, type Findings, Tally } from '../fault-case.ts';
import { BulkLoad } from '../load/bulk-load.ts';

const SHORTEST_MS = 500;
const LONGEST_MS = 3000;
/** Longer than the node waits for an answer, so that it gives up in the middle of a batch. */
const MINUTES_MS = 150_000;
const LONG_ONE_AFTER = 10;

/** The relay's process stands still, with its connections open, and goes on. */
export const relayStopped: FaultCase = {
  name: 'relay-stopped',
  promise: 'while the relay stands still a node takes writes as ever, and nothing is lost or doubled when it goes on',
  full: 20,
  slice: 1,
  needs: [],
  run: stopAgainAndAgain,
};

async function stopAgainAndAgain({ cases, seed, progress }: FaultPlan): Promise<Findings> {
  await using network = await startNetwork({ nodes: { n: ['ada', 'ben'] } });
  const tally = new Tally();
  const random = seededRandom(seed);
  const load = new BulkLoad({ agents: network.agents, seed, lines: 20 });
  for (let stop = 1; stop <= cases; stop += 1) {
    const stillMs = stop % LONG_ONE_AFTER === 0 ? MINUTES_MS : random.integer(SHORTEST_MS, LONGEST_MS);
    load.begin();
    await load.more(200);
    process.kill(network.relay.pid, 'SIGSTOP');
    tally.fire('SIGSTOP');
    const before = load.acknowledged;
    await load.more(500);
    await load.stop();
    await pause(stillMs);
    tally.count('writes acknowledged meanwhile', load.acknowledged - before);
    tally.count('ms stopped', stillMs);
    process.kill(network.relay.pid, 'SIGCONT');
    await expectDrained(network);
    tally.violate(`stop ${stop}`, [...(await load.check()), ...(await differencesNow(network))]);
    progress(`${stop} stops`);
  }
  return tally.findings();
}
