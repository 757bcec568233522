import { loopDisk } from '@holdfast/testkit';

import { expectDrained } from '../../harness/conservation.ts';
import { type Network, startNetwork } from '../../harness/network.ts';
import { differencesNow } from '../../harness/stored.ts';
import { whileStill } from '../while-still.ts';
import { type FaultCase, type FaultPlan, Tally } from '../fault-case.ts';
import { BulkLoad } from '../load/bulk-load.ts';

const DISK_MEGABYTES = 256;
const DISK_FAILED_EXIT = 74;
const ENOUGH_WRITES = 200_000;

/** ext4 meets an error and takes no writes any more, in the middle of a load, until it is mounted again. */
export const readOnly: FaultCase = {
  name: 'read-only',
  promise: 'a disk that turns read-only in mid-write loses nothing acknowledged, and reads go on or the service ends',
  full: 20,
  slice: 1,
  needs: ['root', 'loop device'],
  run: async (plan) => {
    const tally = new Tally();
    for (let time = 1; time <= plan.cases; time += 1) await turnOnce(time, plan, tally);
    return tally.findings();
  },
};

async function turnOnce(time: number, { seed, progress }: FaultPlan, tally: Tally): Promise<void> {
  // An error stays noted in the file system, so that each time has its own.
  await using disk = await loopDisk(DISK_MEGABYTES);
  await using network = await startNetwork({ nodes: { n: ['ada', 'ben'] }, disks: { n: disk.path } });
  const { service } = network.node('n');
  const load = new BulkLoad({ agents: network.agents, seed: seed + time, lines: 20 });
  load.begin();
  await load.more(300);
  await whileStill(service.pid, () => disk.turnReadOnly());
  tally.fire('file systems turned read-only');
  // All writers give up: they are refused, or the daemon is gone.
  await load.more(ENOUGH_WRITES);
  await load.stop();
  for (const [code, times] of load.refusals) tally.count(`refused with ${code}`, times);
  tally.violate(`time ${time}, before the restart`, await readsWhileReadOnly(network, load, tally));
  if (service.isRunning) await service.end('SIGKILL');
  await disk.restorePower();
  await service.start();
  tally.violate(`time ${time}`, await load.check());
  await expectDrained(network);
  tally.violate(`time ${time}`, await differencesNow(network));
  progress(`${time} times, ${tally.violations} violations`);
}

/** A service that still runs must still answer reads, and rightly; one that ended must have said so by its exit code. */
async function readsWhileReadOnly(network: Network, load: BulkLoad, tally: Tally): Promise<readonly string[]> {
  const { service } = network.node('n');
  if (service.isRunning) {
    tally.count('services that went on');
    return load.check();
  }
  tally.count('services that ended');
  const exit = await service.ended();
  return exit?.code === DISK_FAILED_EXIT ? [] : [`it ended with ${JSON.stringify(exit)}`];
}
