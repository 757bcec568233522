import type { SeededRandom } from '@holdfast/testkit';

import type { FaultPlan } from '../fault-case.ts';

/** The points a run tries: those of its part, or a sample of them if it may not try all. */
export function chosenPoints<Point>(
  points: readonly Point[],
  { cases, share, part }: FaultPlan,
  random: SeededRandom,
): readonly Point[] {
  const own = points.filter((_, index) => index % part.of === part.number - 1);
  const wanted = Math.min(cases, Math.ceil(own.length * share));
  return wanted < own.length ? sample(own, wanted, random) : own;
}

/** So many of them, each once. */
export function sample<Item>(items: readonly Item[], count: number, random: SeededRandom): readonly Item[] {
  const left = [...items];
  return Array.from({ length: count }, () => left.splice(random.integer(0, left.length - 1), 1)).flat();
}
