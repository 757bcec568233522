/**
 * Calls `onSilence` once nothing was heard for `limitMs` while something was owed. Waiting for the caller's own code does not
 * count: `pause` before it, `resume` after it.
 */
export class SilenceWatch {
  readonly #limitMs: number;
  readonly #isOwed: () => boolean;
  readonly #onSilence: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isPaused = false;

  constructor(limitMs: number, isOwed: () => boolean, onSilence: () => void) {
    this.#limitMs = limitMs;
    this.#isOwed = isOwed;
    this.#onSilence = onSilence;
  }

  /** Something moved: begin counting anew. */
  heard(): void {
    clearTimeout(this.#timer);
    if (!this.#isPaused) this.#timer = setTimeout(() => this.#expire(), this.#limitMs);
  }

  /** Stop counting. */
  pause(): void {
    this.#isPaused = true;
    clearTimeout(this.#timer);
  }

  /** Begin counting anew. */
  resume(): void {
    this.#isPaused = false;
    this.heard();
  }

  #expire(): void {
    if (this.#isOwed()) this.#onSilence();
    else this.heard();
  }
}
