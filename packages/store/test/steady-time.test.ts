import { FakeClock } from '@holdfast/testkit';
import { expect, test } from 'vitest';

import { SteadyTime } from '../src/index.ts';

const HOUR_MS = 3_600_000;
const YEARS_MS = 87_600 * HOUR_MS;

class Clocks {
  readonly wall = new FakeClock();
  readonly leaps: number[] = [];
  readonly startMs = this.wall.now();
  #monotonicMs = 0;
  readonly time = new SteadyTime({
    now: this.wall.now,
    monotonicMs: () => this.#monotonicMs,
    onLeap: (aheadMs) => this.leaps.push(aheadMs),
  });

  pass(ms: number): number {
    this.#monotonicMs += ms;
    this.wall.advance(ms);
    return this.time.now() - this.startMs;
  }
}

test('goes as the wall clock goes, and back with it at once', () => {
  const clocks = new Clocks();
  expect(clocks.pass(HOUR_MS)).toBe(HOUR_MS);
  clocks.wall.advance(-YEARS_MS);
  expect(clocks.pass(0)).toBe(HOUR_MS - YEARS_MS);
  clocks.wall.advance(HOUR_MS / 2);
  expect(clocks.pass(0)).toBe(HOUR_MS * 1.5 - YEARS_MS);
  expect(clocks.leaps).toEqual([]);
});

test('does not follow a leap of ten years that is taken back within a day, and tells of it once', () => {
  const clocks = new Clocks();
  clocks.wall.advance(YEARS_MS);
  expect(clocks.pass(HOUR_MS)).toBe(HOUR_MS);
  expect(clocks.pass(22 * HOUR_MS)).toBe(23 * HOUR_MS);
  clocks.wall.advance(-YEARS_MS);
  expect(clocks.pass(HOUR_MS)).toBe(24 * HOUR_MS);
  expect(clocks.leaps).toEqual([YEARS_MS]);
});

test('follows a leap that lasts for a day: the machine had slept', () => {
  const clocks = new Clocks();
  clocks.wall.advance(YEARS_MS);
  clocks.pass(HOUR_MS);
  expect(clocks.pass(24 * HOUR_MS)).toBe(YEARS_MS + 25 * HOUR_MS);
});
