/** What reference and subject came to when measured one right after the other. */
export interface Round {
  readonly reference: number;
  readonly subject: number;
}

/** The middle value; the mean of the two middle ones for an even count. Throws on none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new Error('the median of no values');
  return (lower + upper) / 2;
}

/** The value that `share` of all values are not above; 0.5 is the median, roughly. Throws on none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  if (value === undefined) throw new Error('a quantile of no values');
  return value;
}

/**
 * The median of the rounds' ratios. Ratios of neighbours, not a ratio of medians: what else the machine does then weighs
 * on both sides of each ratio alike.
 */
export function medianRatio(rounds: readonly Round[]): number {
  return median(rounds.map(({ reference, subject }) => subject / reference));
}

/** Measures reference and subject in turn, `count` times. */
export async function alternate(
  count: number,
  measure: {
    readonly reference: (round: number) => Promise<number>;
    readonly subject: (round: number) => Promise<number>;
  },
): Promise<Round[]> {
  const rounds: Round[] = [];
  for (let round = 0; round < count; round += 1) {
    rounds.push({ reference: await measure.reference(round), subject: await measure.subject(round) });
  }
  return rounds;
}
