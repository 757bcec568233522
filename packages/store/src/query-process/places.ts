import type { Deadline } from './deadline.ts';

/** A number of places; whoever finds none free waits for its turn. */
export class Places {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Takes a place and gives what leaves it again. Throws the deadline's reason if that ends the wait. */
  async enter(deadline: Deadline): Promise<() => void> {
    const { signal } = deadline;
    if (this.#free > 0 && !signal.aborted) this.#free -= 1;
    else await this.#turn(signal);
    const reason = deadline.reason();
    if (reason === undefined) return () => this.#leave();
    throw reason;
  }

  #turn(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const go = (): void => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(go), 1);
        resolve();
      };
      this.#waiting.push(go);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}
