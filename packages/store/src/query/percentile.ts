/** The percentiles there are, in hundredths; each is a function of its own. */
const HUNDREDTHS = [50, 95, 99] as const;

/** The SQL function of a group's numbers that gives a percentile, once `addPercentiles` has made it. */
export function percentileFunction(hundredths: (typeof HUNDREDTHS)[number]): string {
  return `holdfast_p${hundredths}`;
}

/** The names of the functions that `addPercentiles` makes. */
export const percentileFunctions: readonly string[] = Object.freeze(HUNDREDTHS.map(percentileFunction));

/** A group's numbers so far, and what is made of them. */
interface Percentile {
  readonly start: () => (number | null)[];
  readonly step: (numbers: (number | null)[], next: number | null) => (number | null)[];
  readonly result: (numbers: (number | null)[]) => number | null;
  readonly deterministic: true;
}

/** A connection that can be taught functions of a group: better-sqlite3's and `node:sqlite`'s both can. */
export interface Teachable {
  aggregate(name: string, percentile: Percentile): unknown;
}

const prepared = new WeakSet<Teachable>();

/** Teaches a connection percentiles by nearest rank. A group's numbers are in memory while it is computed. */
export function addPercentiles(database: Teachable): void {
  if (prepared.has(database)) return;
  for (const hundredths of HUNDREDTHS) {
    database.aggregate(percentileFunction(hundredths), {
      start: () => [],
      step: (numbers, next) => {
        numbers.push(next);
        return numbers;
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
