import type { Database } from '@holdfast/sqlite';

/** The percentiles there are, in hundredths; `addPercentiles` makes a function of each. */
const HUNDREDTHS = [50, 95, 99] as const;

/** The SQL function of a group's numbers that gives a percentile, once `addPercentiles` has made it. */
export function percentileFunction(hundredths: (typeof HUNDREDTHS)[number]): string {
  return `holdfast_p${hundredths}`;
}

const prepared = new WeakSet<Database>();

/** Teaches a connection percentiles by nearest rank. A group's numbers are in memory while it is computed. */
export function addPercentiles(database: Database): void {
  if (prepared.has(database)) return;
  for (const hundredths of HUNDREDTHS) {
    database.aggregate(percentileFunction(hundredths), {
      start: (): (number | null)[] => [],
      step: (numbers, next) => {
        numbers.push(next);
      },
      result: (numbers) => nearestRank(numbers, hundredths),
      deterministic: true,
    });
  }
  prepared.add(database);
}

function nearestRank(numbers: readonly (number | null)[], hundredths: number): number | null {
  const sorted = Float64Array.from(numbers.filter((number) => number !== null)).toSorted();
  return sorted[Math.ceil((hundredths / 100) * sorted.length) - 1] ?? null;
}
