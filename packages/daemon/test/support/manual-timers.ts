import type { Timers } from '../../src/sync/timers.ts';

interface Armed {
  readonly delayMs: number;
  readonly run: () => void;
}

/** Timers that go off when a test says so. Short ones, such as the linger, go off by themselves at once. */
export class ManualTimers implements Timers {
  /** Every delay asked for beyond the short ones, oldest first. */
  readonly asked: number[] = [];
  readonly #armed = new Set<Armed>();
  readonly #shortMs: number;

  constructor(shortMs = 5) {
    this.#shortMs = shortMs;
  }

  /** Delays of the timers that wait to go off. */
  get armed(): readonly number[] {
    return [...this.#armed].map(({ delayMs }) => delayMs);
  }

  after(delayMs: number, run: () => void): () => void {
    if (delayMs <= this.#shortMs) {
      const immediate = setImmediate(run);
      return () => clearImmediate(immediate);
    }
    const timer = { delayMs, run };
    this.asked.push(delayMs);
    this.#armed.add(timer);
    return () => this.#armed.delete(timer);
  }

  /** Lets every timer go off that waits now and fits. Returns how many. */
  fire(fits: (delayMs: number) => boolean = () => true): number {
    const due = [...this.#armed].filter(({ delayMs }) => fits(delayMs));
    for (const timer of due) this.#armed.delete(timer);
    for (const { run } of due) run();
    return due.length;
  }
}
