import type { Need } from '@holdfast/testkit';

/** How much of a case is run. */
export interface FaultPlan {
  /** How many times the fault is put in; each case says what one time is. */
  readonly cases: number;
  /** For cases that can be counted out: which part of all there are is tried at most, from 0 to 1. */
  readonly share: number;
  /** For cases that can be counted out: every so many, from this one on, counted from 1. The parts together are all there are. */
  readonly part: Part;
  /** The same seed asks for the same faults; what a machine makes of them in time is its own. */
  readonly seed: number;
  /** Told now and then how far it is. */
  readonly progress: (text: string) => void;
}

/** One part of many. */
export interface Part {
  readonly number: number;
  readonly of: number;
}

/** The one part that is everything. */
export const WHOLE: Part = { number: 1, of: 1 };

/** What came of it. */
export interface Findings {
  /** Faults that really happened, by kind. */
  readonly fired: Readonly<Record<string, number>>;
  /** What else was counted, by what it is. */
  readonly figures: Readonly<Record<string, number>>;
  /** Each broken promise, on one line. */
  readonly violations: readonly string[];
}

/** A fault put into real processes and files, again and again. */
export interface FaultCase {
  readonly name: string;
  /** What must hold, in one line. */
  readonly promise: string;
  /** Times for the scorecard. */
  readonly full: number | 'all';
  /** Times in `npm test`. */
  readonly slice: number;
  readonly needs: readonly Need[];
  /** Throws when the case itself cannot be carried out. A broken promise is among the findings. */
  readonly run: (plan: FaultPlan) => Promise<Findings>;
}

/** Gathers findings. */
export class Tally {
  readonly #fired = new Map<string, number>();
  readonly #figures = new Map<string, number>();
  readonly #violations: string[] = [];

  /** A fault happened. */
  fire(kind: string, times = 1): void {
    this.#fired.set(kind, (this.#fired.get(kind) ?? 0) + times);
  }

  /** So many more of something. */
  count(what: string, more = 1): void {
    this.#figures.set(what, (this.#figures.get(what) ?? 0) + more);
  }

  /** Sets a figure that is not a sum. */
  note(what: string, figure: number): void {
    this.#figures.set(what, figure);
  }

  /** Promises were broken; `where` says in which time. */
  violate(where: string, problems: readonly string[]): void {
    for (const problem of problems) this.#violations.push(`${where}: ${problem}`);
  }

  /** How many faults happened so far. */
  get fired(): number {
    return [...this.#fired.values()].reduce((sum, times) => sum + times, 0);
  }

  /** How many promises were broken so far. */
  get violations(): number {
    return this.#violations.length;
  }

  /** All of it. */
  findings(): Findings {
    const { fired, figures } = { fired: Object.fromEntries(this.#fired), figures: Object.fromEntries(this.#figures) };
    return { fired, figures, violations: [...this.#violations] };
  }
}
