import type { Now } from '@holdfast/protocol';

/** A clock that is ahead of what passed by more than this has leapt: it was set, or the machine slept. */
const LEAP_MS = 3_600_000;
/** So long a leap is looked at before it is believed. */
const PATIENCE_MS = 24 * 3_600_000;

/** What a steady time is made of. */
export interface SteadyTimeOptions {
  /** The wall clock. */
  readonly now: Now;
  /** A clock that nobody sets, in milliseconds. Default: `performance.now`. */
  readonly monotonicMs?: () => number;
  /** The wall clock leapt ahead by so many milliseconds, and is not believed for a day. Told once for each leap. */
  readonly onLeap: (aheadMs: number) => void;
}

/**
 * The time by which expired records may be removed for good: never ahead of the wall clock, and behind it for a day of
 * running after it leapt ahead. A clock set wrong by years hides records until it is mended; it does not destroy them.
 *
 * Within one start of the process only: the clock it starts under is believed.
 */
export class SteadyTime {
  readonly #options: SteadyTimeOptions;
  #timeMs: number;
  #askedAtMs: number;
  #leaptAtMs: number | undefined;

  constructor(options: SteadyTimeOptions) {
    this.#options = options;
    this.#timeMs = options.now();
    this.#askedAtMs = this.#monotonicMs();
  }

  /** Milliseconds since 1970. */
  now(): number {
    const wallMs = this.#options.now();
    const monotonicMs = this.#monotonicMs();
    const expectedMs = this.#timeMs + monotonicMs - this.#askedAtMs;
    this.#askedAtMs = monotonicMs;
    this.#timeMs = this.#isBelieved(wallMs - expectedMs, monotonicMs) ? wallMs : expectedMs;
    return this.#timeMs;
  }

  #isBelieved(aheadMs: number, monotonicMs: number): boolean {
    if (aheadMs <= LEAP_MS) {
      this.#leaptAtMs = undefined;
      return true;
    }
    if (this.#leaptAtMs === undefined) {
      this.#leaptAtMs = monotonicMs;
      this.#options.onLeap(aheadMs);
    }
    if (monotonicMs - this.#leaptAtMs < PATIENCE_MS) return false;
    this.#leaptAtMs = undefined;
    return true;
  }

  #monotonicMs(): number {
    return this.#options.monotonicMs?.() ?? performance.now();
  }
}
