import type { SimulatedDisk } from './disk.ts';
import type { FaultCounts } from './faults.ts';
import { heal } from './healing.ts';
import { judge } from './judge.ts';
import type { OperationCounts } from './operations.ts';
import { Story } from './story.ts';
import type { Template } from './template.ts';
import { World } from './world.ts';

/** What came of one simulated world. */
export interface SeedResult {
  readonly seed: number;
  /** Promises that were broken: none, if all is well. */
  readonly violations: readonly string[];
  readonly faults: FaultCounts;
  readonly operations: OperationCounts;
  /** Writes asked for. */
  readonly writes: number;
  readonly acknowledged: number;
  /** Records found to differ by comparing digests, and made the same. */
  readonly repairs: number;
  readonly events: number;
  /** Tells this history from any other: a seed always gives the same. */
  readonly trace: string;
}

/** Simulates the world of a seed. `print` gets every event as a line. */
export async function runSeed(
  seed: number,
  { disk, template }: { readonly disk: SimulatedDisk; readonly template: Template },
  print?: (line: string) => void,
): Promise<SeedResult> {
  const world = new World(seed, disk, template, print);
  const story = new Story(world);
  try {
    await story.tell();
    await heal(world);
    await judge(world);
  } catch (error) {
    world.violated(String(error instanceof Error ? error.stack : error));
  } finally {
    await world.end();
  }
  const { violations, faults, operations, trace, repairs, shared, letters } = world;
  const { asked, acknowledged } = story.writer;
  return {
    seed,
    violations,
    faults,
    operations,
    writes: asked + (shared?.asked ?? 0) + (letters?.asked ?? 0),
    acknowledged: acknowledged + (shared?.acknowledged ?? 0) + (letters?.acknowledged ?? 0),
    repairs,
    events: trace.events,
    trace: trace.digest(),
  };
}
