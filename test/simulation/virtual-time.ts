import { setImmediate as nextTurn } from 'node:timers/promises';

interface Armed {
  readonly atMs: number;
  /** Timers of one moment go off in the order they were set. */
  readonly order: number;
  readonly run: () => void;
}

/** When every simulated world begins, in milliseconds since 1970. */
const BEGINNING_MS = Date.UTC(2026, 10, 20);

/** Timers that go off in one world at most: many times as many as there are when all is well. */
const MOST_TIMERS = 15_000;

/**
 * The time of one simulated world. It stands still while anything is left to do, and then leaps to the next timer: a
 * simulated hour takes as long as what happens in it.
 */
export class VirtualTime {
  #nowMs = BEGINNING_MS;
  #timersSet = 0;
  #timersFired = 0;
  // In the order they go off.
  readonly #armed: Armed[] = [];

  /** Milliseconds since 1970. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Calls `run` once after `delayMs`; the function returned prevents it. */
  after(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.#nowMs + Math.max(0, delayMs), order: (this.#timersSet += 1), run };
    const place = this.#armed.findLastIndex(({ atMs }) => atMs <= timer.atMs) + 1;
    this.#armed.splice(place, 0, timer);
    return () => {
      const at = this.#armed.indexOf(timer);
      if (at !== -1) this.#armed.splice(at, 1);
    };
  }

  /** Lets `durationMs` pass, with everything that happens meanwhile. Throws when the world never comes to rest. */
  async pass(durationMs: number): Promise<void> {
    const untilMs = this.#nowMs + durationMs;
    await this.quiet();
    for (let next = this.#armed[0]; next !== undefined && next.atMs <= untilMs; next = this.#armed[0]) {
      this.#armed.shift();
      this.#timersFired += 1;
      if (this.#timersFired > MOST_TIMERS) throw new Error('the world does not come to rest');
      this.#nowMs = next.atMs;
      next.run();
      await this.quiet();
    }
    this.#nowMs = untilMs;
  }

  /**
   * Resolves when the process has nothing left to do at this moment. Twice in a row, as what runs beside the first look may
   * set something going.
   */
  async quiet(): Promise<void> {
    for (let quietTurns = 0; quietTurns < 2;) {
      await nextTurn();
      quietTurns = process.getActiveResourcesInfo().includes('Immediate') ? 0 : quietTurns + 1;
    }
  }
}
