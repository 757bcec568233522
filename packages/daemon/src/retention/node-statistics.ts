import { setImmediate as nextTurn } from 'node:timers/promises';

import type { Statistics, StatisticsOwner } from '@holdfast/protocol';
import { type AgentFiles, type CollectionFigures, StatisticsTally, toTimestamp } from '@holdfast/store';

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
    for (let seq: number | undefined = 0; seq !== undefined;) {
      seq = files.get(agent).tally(tally, seq);
      await nextTurn();
    }
    owners.push({ agent, collections: tally.figures.map(collectionOf) });
  }
  return { at: toTimestamp(nowMs), agents: owners };
}

function collectionOf(figures: CollectionFigures): StatisticsOwner['collections'][number] {
  const { name, records, bytes, tombstones, oldestMs, newestMs, recordsPerDay, bytesPerDay } = figures;
  return {
    name,
    records,
    bytes,
    tombstones,
    oldest: oldestMs === null ? null : toTimestamp(oldestMs),
    newest: newestMs === null ? null : toTimestamp(newestMs),
    records_per_day: recordsPerDay,
    bytes_per_day: bytesPerDay,
  };
}
