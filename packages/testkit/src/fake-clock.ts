import type { Now } from '@holdfast/protocol';

/** A clock that stands still until a test moves it, in either direction. */
export class FakeClock {
  /** The clock as the code under test takes it. */
  readonly now: Now = () => this.#ms;
  #ms: number;

  /** Starts at a fixed moment (2026-11-20T00:00:00Z) unless told otherwise, in milliseconds since 1970. */
  constructor(startMs: number = Date.UTC(2026, 10, 20)) {
    this.#ms = startMs;
  }

  /** Moves by `ms` milliseconds; negative: back. */
  advance(ms: number): void {
    this.#ms += ms;
  }

  /** Sets it to `ms` milliseconds since 1970. */
  set(ms: number): void {
    this.#ms = ms;
  }
}
