import { randomUUID } from 'node:crypto';

import type { Timers } from '../../sync/timers.ts';

/** What a caller is told who asked for a value that is not there and would compute it. */
export type Asked =
  /** Another has computed it. */
  | { readonly kind: 'value'; readonly text: string }
  /** It is for the caller to compute it: others wait. */
  | { readonly kind: 'ticket'; readonly ticket: string }
  /** Its time to wait is over: it may compute for itself. */
  | { readonly kind: 'alone' };

/** A caller who would compute a value. */
export interface Asking {
  /** How long it may compute, and waits for another who does. */
  readonly seconds: number;
  /** Aborts when the caller goes away. */
  readonly signal: AbortSignal;
}

interface Waiter {
  readonly seconds: number;
  readonly tell: (asked: Asked) => void;
}

interface Flight {
  readonly ticket: string;
  /** As of which step what it computes is right. */
  readonly step: number;
  readonly waiters: Set<Waiter>;
  /** Whether the value was invalidated since: what is computed is not kept. */
  isStale: boolean;
  readonly disarm: () => void;
}

/** Values computed at once; beyond it nobody waits for anybody. */
const MOST_FLIGHTS = 10_000;
/** Callers who wait at once: each holds a connection. Beyond it who asks computes for itself. */
const MOST_WAITERS = 500;

/**
 * Who computes which value, and who waits for it: of all who ask at once, one computes. When the one does not put a value in its
 * time, gives its ticket back, or the value was invalidated meanwhile, the next computes.
 */
export class Flights {
  readonly #flights = new Map<string, Flight>();
  readonly #timers: Timers;
  readonly #step: () => number;
  #waiting = 0;
  #isStopped = false;

  /** `step`: of the marks, as of now. */
  constructor(timers: Timers, step: () => number) {
    this.#timers = timers;
    this.#step = step;
  }

  /** Asks to compute a value; resolves at once for the first, for all others when they are told. */
  ask(name: string, { seconds, signal }: Asking): Promise<Asked> {
    const flight = this.#flights.get(name);
    if (flight === undefined) return Promise.resolve(this.#begin(name, seconds, new Set()));
    if (this.#waiting >= MOST_WAITERS) return Promise.resolve({ kind: 'alone' });
    this.#waiting += 1;
    return new Promise((resolve) => {
      const tell = (asked: Asked): void => {
        this.#waiting -= 1;
        disarm();
        signal.removeEventListener('abort', leave);
        resolve(asked);
      };
      const waiter = { seconds, tell };
      const leave = (): void => {
        this.#flights.get(name)?.waiters.delete(waiter);
        tell({ kind: 'alone' });
      };
      const disarm = this.#timers.after(seconds * 1000, leave);
      signal.addEventListener('abort', leave);
      flight.waiters.add(waiter);
    });
  }

  /** As of which step a ticket's value is right; undefined when the ticket has ended or its value was invalidated. */
  stepOf(name: string, ticket: string): number | undefined {
    const flight = this.#flights.get(name);
    return flight?.ticket === ticket && !flight.isStale ? flight.step : undefined;
  }

  /** A value was put: all who wait get it. */
  land(name: string, text: string): void {
    for (const { tell } of this.#take(name)?.waiters ?? []) tell({ kind: 'value', text });
  }

  /** A ticket ends without a value: the next who waits computes. */
  end(name: string, ticket: string): void {
    if (this.#flights.get(name)?.ticket !== ticket) return;
    const waiters = this.#take(name)?.waiters ?? new Set();
    const [next] = waiters;
    if (next === undefined) return;
    waiters.delete(next);
    next.tell(this.#begin(name, next.seconds, waiters));
  }

  /** What is being computed under this name is not to be kept. */
  invalidate(name: string): void {
    const flight = this.#flights.get(name);
    if (flight !== undefined) flight.isStale = true;
  }

  /** What is being computed under names that begin so is not to be kept. */
  invalidatePrefixed(prefix: string): void {
    for (const [name, flight] of this.#flights) if (name.startsWith(prefix)) flight.isStale = true;
  }

  /** Nobody waits any more. */
  stop(): void {
    this.#isStopped = true;
    for (const name of this.#flights.keys()) {
      const waiters = this.#take(name)?.waiters ?? [];
      for (const { tell } of waiters) tell({ kind: 'alone' });
    }
  }

  #begin(name: string, seconds: number, waiters: Set<Waiter>): Asked {
    if (this.#isStopped || this.#flights.size >= MOST_FLIGHTS) return { kind: 'alone' };
    const ticket = randomUUID();
    const disarm = this.#timers.after(seconds * 1000, () => this.end(name, ticket));
    this.#flights.set(name, { ticket, step: this.#step(), waiters, isStale: false, disarm });
    return { kind: 'ticket', ticket };
  }

  #take(name: string): Flight | undefined {
    const flight = this.#flights.get(name);
    flight?.disarm();
    this.#flights.delete(name);
    return flight;
  }
}
