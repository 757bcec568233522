import { randomInt } from 'node:crypto';

const MAX_SEED = 2 ** 31 - 1;

let seed: number | undefined;

/**
 * The seed of this test file's randomness, a positive 31-bit integer, printed when it is first asked for.
 * `HOLDFAST_SEED=<n>` replays a run. `usual` is for a test that tries the same each time unless told otherwise.
 */
export function testSeed(usual: number = randomInt(1, MAX_SEED)): number {
  if (seed === undefined) {
    seed = givenSeed() ?? usual;
    process.stderr.write(`HOLDFAST_SEED=${seed}\n`);
  }
  return seed;
}

function givenSeed(): number | undefined {
  const given = process.env['HOLDFAST_SEED'];
  if (given === undefined || given === '') return undefined;
  const number = Number(given);
  if (!Number.isSafeInteger(number) || number < 1 || number > MAX_SEED) {
    throw new Error(`HOLDFAST_SEED is a whole number from 1 to ${MAX_SEED}, not "${given}"`);
  }
  return number;
}

/** Randomness that the same seed repeats. Not for secrets. */
export interface SeededRandom {
  /** A number from 0 up to but not 1. */
  next(): number;
  /** An integer from `least` to `most`, both included. */
  integer(least: number, most: number): number;
  /** One item of a list that is not empty. */
  pick<Item>(items: readonly Item[]): Item;
}

/** A generator for one seed (mulberry32: 32 bits of state, good enough to vary tests). */
export function seededRandom(from: number): SeededRandom {
  let state = from >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const integer = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1));
  return {
    next,
    integer,
    pick: (items) => {
      const item = items[integer(0, items.length - 1)];
      if (item === undefined) throw new RangeError('there is nothing to pick from');
      return item;
    },
  };
}
