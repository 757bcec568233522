import { join } from 'node:path';

import { CommandError } from '../../command-error.ts';
import type { FirstOpenPlan, FirstOpenResult } from '../first-open-plan.ts';
import type { Reading } from '../reading.ts';
import { median } from '../rounds.ts';
import { countText } from '../../wording.ts';
import type { Figure, Setting } from './figure.ts';

const TIMES = 3;

/** What the first opening of an agent's file takes after an upgrade that began to index it. */
export const openUpgraded: Figure = {
  name: 'open.upgraded',
  help: 'opening a file of 100,000 messages the first time after an upgrade, which indexes it',
  measure: measureOpenUpgraded,
};

async function measureOpenUpgraded({ surroundings, scale }: Setting): Promise<Reading[]> {
  const results: FirstOpenResult[] = [];
  for (let time = 0; time < TIMES; time += 1) {
    const path = join(surroundings.directory, `upgraded-${time}.db`);
    const plan: FirstOpenPlan = { path, records: scale.queriedRecords };
    results.push(await surroundings.run<FirstOpenResult>('first-open', plan));
  }
  const [first] = results;
  if (first === undefined) throw new CommandError('no file was opened', 'Nothing was measured.');
  const firstSeconds = median(results.map(({ firstMs }) => firstMs)) / 1000;
  const againMs = median(results.map(({ againMs: ms }) => ms));
  return [
    {
      name: openUpgraded.name,
      value: firstSeconds,
      unit: 's',
      target: null,
      measured: `${countText(scale.queriedRecords)} messages`,
      reference: `again ${againMs.toFixed(1)} ms`,
      details: { files: results },
    },
  ];
}
