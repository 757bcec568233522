import { setImmediate as nextTurn } from 'node:timers/promises';

import type { Statistics, StatisticsOwner } from '@holdfast/protocol';
import { type AgentFiles, statisticsAnswer, StatisticsTally, toTimestamp } from '@holdfast/store';

/**
 * How much some agents' collections hold, summed up from their records in small steps, between which requests are served. Throws
 * what opening a file throws.
 */
export async function nodeStatistics(
  agents: readonly string[],
  files: Pick<AgentFiles, 'get'>,
  nowMs: number,
): Promise<Statistics> {
  const owners: StatisticsOwner[] = [];
  for (const agent of agents) {
    const tally = new StatisticsTally(nowMs);
    for (let seq: number | undefined = -Infinity; seq !== undefined;) {
      seq = files.get(agent).tally(tally, seq);
      await nextTurn();
    }
    owners.push({ agent, collections: tally.figures.map(statisticsAnswer) });
  }
  return { at: toTimestamp(nowMs), agents: owners };
}
