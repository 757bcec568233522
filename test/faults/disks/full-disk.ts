import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { smallDisk } from '@holdfast/testkit';

import { expectDrained } from '../../harness/conservation.ts';
import { type Network, startNetwork } from '../../harness/network.ts';
import { differencesNow } from '../../harness/stored.ts';
import { type FaultCase, type FaultPlan, type Findings, Tally } from '../fault-case.ts';
import { BulkLoad } from '../load/bulk-load.ts';

const DISK_MEGABYTES = 40;
const RESERVE_MEGABYTES = 8;
/** What somebody else's file takes: so much is left above the reserve for the load to fill. */
const BALLAST_MEGABYTES = 28;
const MEBIBYTE = 1024 * 1024;
const ENOUGH_WRITES = 200_000;
const RESUME_LIMIT_MS = 5000;

/** A node's disk fills up while it is written to, and is given room again. */
export const fullDisk: FaultCase = {
  name: 'full-disk',
  promise: 'a full disk is a pause: 507, reads and sync go on, service resumes by itself, nothing is lost',
  full: 20,
  slice: 1,
  needs: ['root'],
  run: async (plan) => {
    await using disk = await smallDisk(DISK_MEGABYTES);
    const nodeFlags = ['--disk-reserve-megabytes', String(RESERVE_MEGABYTES)];
    await using network = await startNetwork({ nodes: { n: ['ada', 'ben'] }, disks: { n: disk.path }, nodeFlags });
    return await fillAgainAndAgain(network, disk.path, plan);
  },
};

async function fillAgainAndAgain(network: Network, disk: string, plan: FaultPlan): Promise<Findings> {
  const { cases, seed, progress } = plan;
  const tally = new Tally();
  const { service } = network.node('n');
  const { pid } = service;
  const ballast = join(disk, 'ballast');
  const load = new BulkLoad({ agents: network.agents, seed, fill: 4000 });
  for (let time = 1; time <= cases; time += 1) {
    writeFileSync(ballast, Buffer.alloc(BALLAST_MEGABYTES * MEBIBYTE));
    load.begin();
    // All writers give up when they are refused.
    await load.more(ENOUGH_WRITES);
    await load.stop();
    const broken = [...(await load.check())];
    await expectDrained(network);
    broken.push(...(await differencesNow(network)));
    rmSync(ballast);
    broken.push(...(await resume(load)));
    if (service.pid !== pid) broken.push('the daemon was started again');
    tally.violate(`time ${time}`, broken);
    progress(`${time} times, ${tally.violations} violations`);
  }
  for (const [code, times] of load.refusals) tally.fire(`refused with ${code}`, times);
  tally.note('acknowledged writes', load.acknowledged);
  return tally.findings();
}

/** Tries to write until it is taken again. */
async function resume(load: BulkLoad): Promise<readonly string[]> {
  const untilMs = performance.now() + RESUME_LIMIT_MS;
  const before = load.acknowledged;
  while (load.acknowledged === before) {
    if (performance.now() > untilMs) return [`no write was taken within ${RESUME_LIMIT_MS} ms of there being room`];
    load.begin();
    await load.more(1);
    await load.stop();
  }
  return [];
}
