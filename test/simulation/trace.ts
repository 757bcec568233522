import { createHash } from 'node:crypto';

/** What happened in a simulated world, in order. Random names stay out of it: the same seed must give the same trace. */
export class Trace {
  readonly #hash = createHash('sha256');
  readonly #print: ((line: string) => void) | undefined;
  #events = 0;

  /** `print` gets every event as a line. */
  constructor(print?: (line: string) => void) {
    this.#print = print;
  }

  /** Notes an event. */
  note(nowMs: number, who: string, what: string): void {
    const line = `${new Date(nowMs).toISOString().slice(5, 23)} ${who}: ${what}`;
    this.#events += 1;
    this.#hash.update(line).update('\n');
    this.#print?.(line);
  }

  /** How many events there were. */
  get events(): number {
    return this.#events;
  }

  /** What tells this history from any other; ends the trace. */
  digest(): string {
    return this.#hash.digest('hex').slice(0, 16);
  }
}
