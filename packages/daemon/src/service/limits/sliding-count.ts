/** Takes that are closer together than this share of the window are remembered as one. */
const SLICES = 16;

/** What was taken in a short time; counted until a window after the last of it. */
interface Slice {
  readonly startedAtMs: number;
  lastAtMs: number;
  taken: number;
}

/**
 * How much was taken in the window that ends now: a log whose entries are put together when they are closer than a sixteenth
 * of the window. Each is counted for a whole window at least, so no window ever has more than was allowed; what was taken
 * comes free at most a sixteenth of the window late. At most 17 entries, however much is taken.
 */
export class SlidingCount {
  readonly #windowMs: number;
  readonly #slices: Slice[] = [];
  #total = 0;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** How much was taken within the window that ends now. */
  takenAt(nowMs: number): number {
    while (this.#slices[0] !== undefined && this.#slices[0].lastAtMs + this.#windowMs <= nowMs) {
      this.#total -= this.#slices.shift()?.taken ?? 0;
    }
    return this.#total;
  }

  /** Notes what is taken now. */
  take(cost: number, nowMs: number): void {
    const last = this.#slices.at(-1);
    this.#total += cost;
    if (last === undefined || nowMs - last.startedAtMs >= this.#windowMs / SLICES) {
      this.#slices.push({ startedAtMs: nowMs, lastAtMs: nowMs, taken: cost });
    } else {
      last.lastAtMs = nowMs;
      last.taken += cost;
    }
  }

  /** Milliseconds until no more than `most` is counted, if nothing is taken meanwhile. */
  waitMsFor(most: number, nowMs: number): number {
    let counted = this.takenAt(nowMs);
    for (const { lastAtMs, taken } of this.#slices) {
      if (counted <= most) break;
      counted -= taken;
      if (counted <= most) return lastAtMs + this.#windowMs - nowMs;
    }
    return 0;
  }
}
