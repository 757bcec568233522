import { testSeed } from '@holdfast/testkit';
import { expect, test } from 'vitest';

import { SimulatedDisk } from './disk.ts';
import { FAULT_KINDS, LEAST_FAULTS } from './faults.ts';
import { OPERATION_KINDS } from './operations.ts';
import { runSeed, type SeedResult } from './run-seed.ts';
import { runSeeds } from './run-seeds.ts';
import { describeViolations, summary } from './summary.ts';
import { makeTemplate } from './template.ts';

const SEEDS = 200;
/** The same worlds each time: `npm run test:sim` looks at others. */
const FIRST_SEED = 1;

test('in 200 simulated worlds nothing acknowledged is lost, whatever goes wrong', { timeout: 900_000 }, async () => {
  const broken: string[] = [];
  const onSeed = (result: SeedResult): void => {
    if (result.violations.length > 0) broken.push(describeViolations(result));
  };
  const total = await runSeeds({ from: testSeed(FIRST_SEED), seeds: SEEDS }, { onSeed });
  process.stderr.write(`${summary(total)}\n`);
  expect(broken).toEqual([]);
  expect(total.fewestFaults).toBeGreaterThanOrEqual(LEAST_FAULTS);
  expect(total.faults.entries().map(([kind]) => kind)).toEqual(FAULT_KINDS);
  expect(total.operations.entries().map(([kind]) => kind)).toEqual(OPERATION_KINDS);
});

test('a simulated world is the same each time it is run', async () => {
  using home = new SimulatedDisk();
  const template = await makeTemplate(home);
  const traces: string[] = [];
  for (let times = 0; times < 2; times += 1) {
    using disk = new SimulatedDisk();
    traces.push((await runSeed(testSeed(FIRST_SEED), { disk, template })).trace);
  }
  expect(traces[0]).toBe(traces[1]);
});
