import type { FaultCounts } from './faults.ts';
import type { OperationCounts } from './operations.ts';
import type { Total } from './run-seeds.ts';
import type { SeedResult } from './run-seed.ts';

/** What was broken in a world, and how to see it again. */
export function describeViolations({ seed, violations }: SeedResult): string {
  const lines = [...new Set(violations)].map((violation) => `  ${violation}`);
  return [`seed ${seed}:`, ...lines, `  again: npm run test:sim -- --seed ${seed} --trace`].join('\n');
}

/** Many worlds in figures. */
export function summary(total: Total): string {
  const { seeds, failedSeeds, faults, operations, fewestFaults, writes, acknowledged, repairs, events, seconds } =
    total;
  return [
    `${seeds} worlds, ${failedSeeds.length} with violations, in ${seconds.toFixed(0)} s`,
    `${writes} writes, ${acknowledged} acknowledged, ${events} events, ${repairs} records repaired by digest`,
    `${faults.total} faults, at least ${fewestFaults} in each world:`,
    ...figures(faults),
    'done beside plain writes:',
    ...figures(operations),
  ].join('\n');
}

function figures(counts: FaultCounts | OperationCounts): string[] {
  return counts.entries().map(([kind, count]) => `  ${kind.padEnd(24)}${String(count).padStart(9)}`);
}
