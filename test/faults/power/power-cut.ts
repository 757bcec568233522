import { type LoopDisk, loopDisk, seededRandom, type SeededRandom } from '@holdfast/testkit';

import { expectDrained } from '../../harness/conservation.ts';
import { type Network, startNetwork } from '../../harness/network.ts';
import type { Service } from '../../harness/service.ts';
import { differencesNow } from '../../harness/stored.ts';
import { whileStill } from '../while-still.ts';
import { type FaultCase, type FaultPlan, Tally } from '../fault-case.ts';
import { BulkLoad } from '../load/bulk-load.ts';
import { forgottenStreams } from '../load/cursors.ts';

const DISK_MEGABYTES = 256;
const LEAST_WRITES = 50;
const MOST_WRITES = 800;
const CHECK_CONTENT_EVERY = 20;

/** The power of the node's disk, or of the relay's, goes away under load, and with it all that was not synced. */
export const powerCut: FaultCase = {
  name: 'power-cut',
  promise: 'after a power cut a node and a relay have everything they acknowledged',
  full: 200,
  slice: 6,
  needs: ['root', 'loop device'],
  run: async (plan) => {
    const tally = new Tally();
    const random = seededRandom(plan.seed);
    // Whoever has lost something begins anew, on new disks: else one loss would be counted again and again.
    for (let cuts = 0; cuts < plan.cases;) cuts = await cutUntilLoss({ ...plan, cuts, random, tally });
    return tally.findings();
  },
};

interface Place {
  readonly network: Network;
  readonly nodeDisk: LoopDisk;
  readonly relayDisk: LoopDisk;
}

interface Series extends FaultPlan {
  /** Cuts made before. */
  readonly cuts: number;
  readonly random: SeededRandom;
  readonly tally: Tally;
}

/** Cuts until something is lost, or there were enough; gives how many cuts were made by then. */
async function cutUntilLoss({ cuts, cases, seed, random, tally, progress }: Series): Promise<number> {
  await using nodeDisk = await loopDisk(DISK_MEGABYTES);
  await using relayDisk = await loopDisk(DISK_MEGABYTES);
  const disks = { n: nodeDisk.path, relay: relayDisk.path };
  await using network = await startNetwork({ nodes: { n: ['ada', 'ben', 'cyd'] }, disks });
  const load = new BulkLoad({ agents: network.agents, seed: seed + cuts, lines: 20 });
  const place = { network, nodeDisk, relayDisk };
  let cut = cuts;
  let lost: readonly string[] = [];
  while (cut < cases && lost.length === 0) {
    cut += 1;
    load.begin();
    await load.more(random.integer(LEAST_WRITES, MOST_WRITES));
    const whose = random.pick(['node', 'relay']);
    tally.fire(`power cuts of a ${whose}`);
    const isChecked = cut % CHECK_CONTENT_EVERY === 0 || cut === cases;
    lost = await orUnreadable(async () => {
      const gone = whose === 'node' ? await cutNode(place, load) : await cutRelay(place, load);
      return isChecked && gone.length === 0 ? contentLost(network, load) : gone;
    });
    tally.violate(`cut ${cut}, of the ${whose}`, lost);
    tally.count('cuts that lost something', lost.length > 0 ? 1 : 0);
    if (isChecked) progress(`${cut} cuts, ${tally.violations} violations`);
  }
  tally.count('acknowledged writes', load.acknowledged);
  return cut;
}

/** What cannot be read any more, because the service or its tokens are gone too, is lost. */
async function orUnreadable(check: () => Promise<readonly string[]>): Promise<readonly string[]> {
  try {
    return await check();
  } catch (error) {
    return [`it cannot be read any more: ${String(error).split('\n', 1)[0]}`];
  }
}

async function contentLost(network: Network, load: BulkLoad): Promise<readonly string[]> {
  await expectDrained(network);
  return [...(await load.check()), ...(await differencesNow(network))];
}

async function cutNode({ network, nodeDisk }: Place, load: BulkLoad): Promise<readonly string[]> {
  const { service } = network.node('n');
  await cutUnder(service, nodeDisk);
  await load.ended();
  await nodeDisk.restorePower();
  // The relay may not help: what is there, this disk has kept.
  network.proxy.set({ kind: 'refuse' });
  await service.start();
  const lost = await load.check();
  network.proxy.heal();
  return lost;
}

async function cutRelay({ network, relayDisk }: Place, load: BulkLoad): Promise<readonly string[]> {
  await cutUnder(network.relay, relayDisk);
  await load.stop();
  await relayDisk.restorePower();
  return forgottenStreams(network, () => network.relay.start());
}

/** A machine without power answers nobody: the service stands still before its disk is gone, and never goes on. */
async function cutUnder(service: Service, disk: LoopDisk): Promise<void> {
  await whileStill(service.pid, async () => {
    await disk.cutPower();
    await service.end('SIGKILL');
  });
}
