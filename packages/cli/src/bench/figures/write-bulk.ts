import { join } from 'node:path';

import { runPlainLoop, writeBulk as writeRows } from '../bulk-write.ts';
import type { Reading } from '../reading.ts';
import { cpuSeconds } from '../processor.ts';
import { alternate, median, medianRatio, type Round } from '../rounds.ts';
import { startNode } from '../services.ts';
import { rateText } from '../wording.ts';
import type { Figure, Setting } from './figure.ts';

/** One NDJSON batch against a plain loop that stores the same rows. */
export const writeBulk: Figure = {
  name: 'write.bulk',
  help: 'NDJSON rows/s, over a plain better-sqlite3 loop that stores the same rows',
  measure: measureWriteBulk,
};

/** Rows written before counting begins: a daemon runs for weeks, on code compiled long ago. */
const WARM_UP_ROWS = 20_000;

interface Sample {
  readonly perSecond: number;
  readonly cpuUsPerRow: number;
}

async function measureWriteBulk({ surroundings, scale }: Setting): Promise<Reading[]> {
  const rows = scale.bulkRows;
  const node = await startNode(surroundings, { name: 'write-bulk' });
  const samples: Record<'withoutJson' | 'fromText' | 'daemon', Sample[]> = {
    withoutJson: [],
    fromText: [],
    daemon: [],
  };
  const loop = async (round: number, fromText: boolean): Promise<number> => {
    const path = join(surroundings.directory, `loop-${String(fromText)}-${round}.db`);
    const rate = await runPlainLoop(surroundings, { path, rows, fromText });
    samples[fromText ? 'fromText' : 'withoutJson'].push(rate);
    return rate.perSecond;
  };
  try {
    const { token: warmUp } = await node.client.agents.create('warm-up');
    await writeRows(surroundings, { url: node.url, token: warmUp, rows: WARM_UP_ROWS });
    const rounds = await alternate(scale.rounds, {
      reference: async (round) => {
        await loop(round, false);
        return loop(round, true);
      },
      subject: async (round) => {
        const { token } = await node.client.agents.create(`round-${round}`);
        const before = cpuSeconds(node.pid);
        const { seconds } = await writeRows(surroundings, { url: node.url, token, rows });
        const cpuUsPerRow = ((cpuSeconds(node.pid) - before) * 1e6) / rows;
        samples.daemon.push({ perSecond: rows / seconds, cpuUsPerRow });
        return rows / seconds;
      },
    });
    return [readingOf(rounds, samples)];
  } finally {
    await Promise.all([node.client.close(), node.stop()]);
  }
}

function readingOf(rounds: readonly Round[], samples: Readonly<Record<string, readonly Sample[]>>): Reading {
  const details = Object.entries(samples).map(([side, of]) => [
    side,
    {
      per_second: middle(of.map((sample) => sample.perSecond)),
      cpu_us: middle(of.map((sample) => sample.cpuUsPerRow)),
    },
  ]);
  return {
    name: writeBulk.name,
    value: medianRatio(rounds),
    unit: 'ratio',
    target: { kind: 'at-least', value: 0.6 },
    measured: rateText(median(rounds.map(({ subject }) => subject)), 'rows'),
    reference: `plain loop ${rateText(median(rounds.map(({ reference }) => reference)), 'rows')}`,
    details: { rounds, ...(Object.fromEntries(details) as Readonly<Record<string, unknown>>) },
  };
}

function middle(values: readonly number[]): number {
  return Number(median(values).toPrecision(4));
}
