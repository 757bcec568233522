import { join } from 'node:path';

import { runPlainLoop, writeBulk as writeRows } from '../bulk-write.ts';
import type { Reading } from '../reading.ts';
import { alternate, median, medianRatio } from '../rounds.ts';
import { startNode } from '../services.ts';
import { rateText } from '../wording.ts';
import type { Figure, Setting } from './figure.ts';

/** One NDJSON batch against a plain loop that stores the same rows. */
export const writeBulk: Figure = {
  name: 'write.bulk',
  help: 'NDJSON rows/s, over a plain better-sqlite3 loop that stores the same rows',
  measure: measureWriteBulk,
};

async function measureWriteBulk({ surroundings, scale }: Setting): Promise<Reading[]> {
  const rows = scale.bulkRows;
  const node = await startNode(surroundings, { name: 'write-bulk' });
  const fromRows: number[] = [];
  const writerCpuShares: number[] = [];
  const path = (round: number, kind: string): string => join(surroundings.directory, `loop-${kind}-${round}.db`);
  try {
    const rounds = await alternate(scale.rounds, {
      reference: async (round) => {
        fromRows.push(await runPlainLoop(surroundings, { path: path(round, 'rows'), rows, fromText: false }));
        return runPlainLoop(surroundings, { path: path(round, 'text'), rows, fromText: true });
      },
      subject: async (round) => {
        const { token } = await node.client.agents.create(`round-${round}`);
        const { seconds, generatorCpuShare } = await writeRows(surroundings, { url: node.url, token, rows });
        writerCpuShares.push(generatorCpuShare);
        return rows / seconds;
      },
    });
    const fromText = median(rounds.map(({ reference }) => reference));
    const reading: Reading = {
      name: writeBulk.name,
      value: medianRatio(rounds),
      unit: 'ratio',
      target: { kind: 'at-least', value: 0.6 },
      measured: rateText(median(rounds.map(({ subject }) => subject)), 'rows'),
      reference: `plain loop ${rateText(fromText, 'rows')}`,
      details: {
        rounds,
        loop_without_json_per_second: Math.round(median(fromRows)),
        writer_cpu_share: median(writerCpuShares),
      },
    };
    return [reading];
  } finally {
    await Promise.all([node.client.close(), node.stop()]);
  }
}
