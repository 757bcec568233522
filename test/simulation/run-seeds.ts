import { SimulatedDisk } from './disk.ts';
import { FaultCounts } from './faults.ts';
import { OperationCounts } from './operations.ts';
import { runSeed, type SeedResult } from './run-seed.ts';
import { makeTemplate } from './template.ts';

/** What came of many worlds. */
export interface Total {
  readonly seeds: number;
  readonly failedSeeds: readonly number[];
  readonly faults: FaultCounts;
  readonly operations: OperationCounts;
  /** The fewest faults that happened in one world. */
  readonly fewestFaults: number;
  readonly writes: number;
  readonly acknowledged: number;
  readonly repairs: number;
  readonly events: number;
  readonly seconds: number;
}

/** Simulates worlds one after the other, each on files of its own. */
export async function runSeeds(
  { from, seeds }: { readonly from: number; readonly seeds: number },
  told: {
    readonly print?: ((line: string) => void) | undefined;
    readonly onSeed: (result: SeedResult, done: number) => void;
  },
): Promise<Total> {
  const startedAtMs = performance.now();
  using home = new SimulatedDisk();
  const template = await makeTemplate(home);
  const total = { writes: 0, acknowledged: 0, repairs: 0, events: 0, fewestFaults: Infinity };
  const failedSeeds: number[] = [];
  const faults = new FaultCounts();
  const operations = new OperationCounts();
  for (let seed = from; seed < from + seeds; seed += 1) {
    using disk = new SimulatedDisk();
    const result = await runSeed(seed, { disk, template }, told.print);
    faults.addAll(result.faults);
    operations.addAll(result.operations);
    if (result.violations.length > 0) failedSeeds.push(seed);
    total.fewestFaults = Math.min(total.fewestFaults, result.faults.total);
    total.writes += result.writes;
    total.acknowledged += result.acknowledged;
    total.repairs += result.repairs;
    total.events += result.events;
    told.onSeed(result, seed - from + 1);
  }
  return { ...total, seeds, failedSeeds, faults, operations, seconds: (performance.now() - startedAtMs) / 1000 };
}
