import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { connect, type Holdfast } from '@holdfast/client';

import { CommandError } from '../../command-error.ts';
import { runPlainLoop, writeBulk } from '../bulk-write.ts';
import { startPair, stopService } from '../pair.ts';
import { cpuSeconds } from '../processor.ts';
import type { Reading } from '../reading.ts';
import { median } from '../rounds.ts';
import { type BenchService, startRelay } from '../services.ts';
import { rateText } from '../wording.ts';
import type { Figure, Setting } from './figure.ts';

const POLL_MS = 10;
const LIMIT_MS = 300_000;
const PLAIN_LOOPS = 3;

/** A backlog that drains into a relay that came back, against the plain loop. */
export const syncDrain: Figure = {
  name: 'sync.drain',
  help: 'records/s of a backlog draining into the relay, over the same plain loop',
  measure: measureSyncDrain,
};

/** How a backlog drained. */
export interface Drain {
  readonly perSecond: number;
  /** From the relay's readiness to the first change taken: the daemon's backoff, not part of the rate. */
  readonly contactSeconds: number;
  readonly nodeCpuUsPerRecord: number;
  readonly relayCpuUsPerRecord: number;
}

async function measureSyncDrain({ surroundings, scale }: Setting): Promise<Reading[]> {
  const rows = scale.backlogRecords;
  const loops: number[] = [];
  const plainLoop = async (): Promise<void> => {
    const path = join(surroundings.directory, `drain-loop-${loops.length}.db`);
    loops.push((await runPlainLoop(surroundings, { path, rows, fromText: true })).perSecond);
  };
  await plainLoop();
  const drain = await drainBacklog({ surroundings, scale }, rows);
  while (loops.length < PLAIN_LOOPS) await plainLoop();
  const reference = median(loops);
  const reading: Reading = {
    name: syncDrain.name,
    value: drain.perSecond / reference,
    unit: 'ratio',
    target: { kind: 'at-least', value: 0.35 },
    measured: rateText(drain.perSecond, 'records'),
    reference: `plain loop ${rateText(reference, 'rows')}`,
    details: { backlog: rows, ...drain, plain_loops: loops.map(Math.round) },
  };
  return [reading];
}

/** Fills a daemon while its relay is away, brings the relay back and follows how the backlog drains into it. */
export async function drainBacklog({ surroundings }: Setting, rows: number): Promise<Drain> {
  const { node, relay } = await startPair(surroundings, 'drain');
  try {
    const { token } = await node.client.agents.create('writer');
    await stopService(relay);
    await writeBulk(surroundings, { url: node.url, token, rows });
    const port = Number(new URL(relay.url).port);
    const returned = await startRelay(surroundings, { name: 'drain-relay', port });
    try {
      const drain = await watchDrain(node, token, returned.pid, rows);
      await assertHolds(await returned.client.aggregate({ aggregate: { metrics: { n: { count: '*' } } } }), rows);
      return drain;
    } finally {
      await stopService(returned);
    }
  } finally {
    await stopService(node);
  }
}

/** Follows the acknowledged cursor, which moves after the relay's commit, from its first move to the end. */
async function watchDrain(node: BenchService<Holdfast>, token: string, relayPid: number, rows: number): Promise<Drain> {
  await using agent = connect({ url: node.url, token });
  const readyAtMs = performance.now();
  let beforeFirstMs = readyAtMs;
  let [nodeCpu, relayCpu] = [cpuSeconds(node.pid), cpuSeconds(relayPid)];
  for (let acked = 0; acked < rows;) {
    const askedAtMs = performance.now();
    if (askedAtMs - readyAtMs > LIMIT_MS) throw new CommandError('the backlog did not drain', 'Nothing was measured.');
    const cpu = [cpuSeconds(node.pid), cpuSeconds(relayPid)] as const;
    acked = (await agent.status()).acked_seq;
    if (acked > 0) {
      if (acked < rows) await sleep(POLL_MS);
      continue;
    }
    beforeFirstMs = askedAtMs;
    [nodeCpu, relayCpu] = cpu;
    await sleep(POLL_MS);
  }
  const seconds = (performance.now() - beforeFirstMs) / 1000;
  return {
    perSecond: rows / seconds,
    contactSeconds: (beforeFirstMs - readyAtMs) / 1000,
    nodeCpuUsPerRecord: ((cpuSeconds(node.pid) - nodeCpu) * 1e6) / rows,
    relayCpuUsPerRecord: ((cpuSeconds(relayPid) - relayCpu) * 1e6) / rows,
  };
}

async function assertHolds(groups: readonly Readonly<Record<string, unknown>>[], rows: number): Promise<void> {
  if (groups[0]?.['n'] === rows) return;
  throw new CommandError(`the relay holds ${String(groups[0]?.['n'])} records, not ${rows}`, 'Nothing was measured.');
}
