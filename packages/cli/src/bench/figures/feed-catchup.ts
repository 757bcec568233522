import { setTimeout as sleep } from 'node:timers/promises';

import type { Holdfast } from '@holdfast/client';
import { SHARED_AGENT } from '@holdfast/protocol';

import { CommandError } from '../../command-error.ts';
import { writeBulk } from '../bulk-write.ts';
import { startPair, stopService } from '../pair.ts';
import { cpuSeconds } from '../processor.ts';
import type { Reading } from '../reading.ts';
import { enrol, startNode } from '../services.ts';
import { rateText } from '../wording.ts';
import type { Figure, Setting } from './figure.ts';
import { drainBacklog } from './sync-drain.ts';

const POLL_MS = 10;
const LIMIT_MS = 300_000;

/** What all nodes share, read from the beginning by a node that is new. */
export const feedCatchup: Figure = {
  name: 'feed.catchup',
  help: 'records/s a new node takes in of what others shared, over those of sync.drain',
  measure: measureFeedCatchup,
};

interface Catchup {
  readonly perSecond: number;
  readonly nodeCpuUsPerRecord: number;
  readonly relayCpuUsPerRecord: number;
}

async function measureFeedCatchup(setting: Setting): Promise<Reading[]> {
  const rows = setting.scale.backlogRecords;
  const catchup = await catchUp(setting, rows);
  const drain = await drainBacklog(setting, rows);
  const reading: Reading = {
    name: feedCatchup.name,
    value: catchup.perSecond / drain.perSecond,
    unit: 'ratio',
    target: { kind: 'at-least', value: 0.8 },
    measured: rateText(catchup.perSecond, 'records'),
    reference: `sync.drain ${rateText(drain.perSecond, 'records')}`,
    details: { records: rows, ...catchup, drain: { ...drain } },
  };
  return [reading];
}

async function catchUp({ surroundings }: Setting, rows: number): Promise<Catchup> {
  const pair = await startPair(surroundings, 'feed');
  const { node, relay } = pair;
  const fresh = await startNode(surroundings, { name: 'feed-fresh' });
  try {
    const { token } = await node.client.agents.create('writer');
    await writeBulk(surroundings, { url: node.url, token, rows, kind: 'context' });
    await until(async () => (await node.client.node.status()).agents.every(({ outbox }) => outbox.records === 0));
    const cpu = [cpuSeconds(fresh.pid), cpuSeconds(relay.pid)] as const;
    const startedAtMs = performance.now();
    await enrol(fresh, relay, 'fresh');
    await until(async () => (await sharedRecords(fresh.client)) === rows);
    const seconds = (performance.now() - startedAtMs) / 1000;
    const usEach = (before: number, pid: number): number => ((cpuSeconds(pid) - before) * 1e6) / rows;
    return {
      perSecond: rows / seconds,
      nodeCpuUsPerRecord: usEach(cpu[0], fresh.pid),
      relayCpuUsPerRecord: usEach(cpu[1], relay.pid),
    };
  } finally {
    await stopService(fresh);
    await pair.stop();
  }
}

async function sharedRecords({ node }: Holdfast): Promise<number> {
  const { agents } = await node.status();
  return agents.find(({ agent }) => agent === SHARED_AGENT)?.records ?? 0;
}

async function until(isThere: () => Promise<boolean>): Promise<void> {
  const startedAtMs = performance.now();
  while (!(await isThere())) {
    if (performance.now() - startedAtMs > LIMIT_MS)
      throw new CommandError('what was shared did not arrive', 'Nothing was measured.');
    await sleep(POLL_MS);
  }
}
