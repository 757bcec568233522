import { seededRandom } from '@holdfast/testkit';

/** Worlds in which agents take locks of the network. */
const LOCK_SHARE_OF_WORLDS = 0.4;

/** Whether agents take locks of the network in the world of a seed. Drawn like `sharesIn`. */
export function locksIn(seed: number): boolean {
  return seededRandom(seed + 2_000_000_047).next() < LOCK_SHARE_OF_WORLDS;
}

/** A lock somebody was given. */
export interface GivenLock {
  readonly name: string;
  readonly lease: string;
  readonly fence: number;
}

/** A lock that is asked for on a line of a node, and what was known then. */
export interface AskedLock {
  readonly line: string;
  /** Its fence must be higher. */
  readonly above: number;
  /** How often the relay was put back until then. */
  readonly era: number;
}

/**
 * What callers were promised of the network's locks: who has one has it alone until it is released, and has a higher fence than everybody
 * before. Leases here are longer than a world, so none ends by itself.
 */
export class LockPromises {
  readonly #held = new Map<string, GivenLock>();
  /** The highest fence of each line: its node noted it before it was handed on. */
  readonly #seen = new Map<string, number>();
  /** The highest fence of all, as far as the relay must know. */
  #highest = 0;
  #era = 0;

  /** Somebody asks for a lock. */
  ask(line: string): AskedLock {
    return { line, above: Math.max(this.#highest, this.#seen.get(line) ?? 0), era: this.#era };
  }

  /** Somebody was given one. Returns what promise that broke, if any. */
  give(asked: AskedLock, given: GivenLock): string | undefined {
    const { name, fence } = given;
    this.#seen.set(asked.line, Math.max(this.#seen.get(asked.line) ?? 0, fence));
    if (asked.era !== this.#era) return undefined;
    this.#highest = Math.max(this.#highest, fence);
    const holder = this.#held.get(name);
    this.#held.set(name, given);
    if (fence <= asked.above) return `${name} was given with fence ${fence}, and ${asked.above} was given before`;
    return holder && `${name} was given with fence ${fence}, and somebody has it with ${holder.fence}`;
  }

  /** Those somebody holds, as far as the relay must know. */
  get held(): readonly GivenLock[] {
    return [...this.#held.values()];
  }

  /** Whoever has it asks to release it: from now on another may be given it. */
  release({ name }: GivenLock): void {
    this.#held.delete(name);
  }

  /** The relay's database was put back: it knows no later leases, and no later fences either unless it kept the file of those. */
  putBack({ keepsFences }: { readonly keepsFences: boolean }): void {
    this.#held.clear();
    this.#era += 1;
    if (!keepsFences) this.#highest = 0;
  }

  /** A line of a node begins from a copy: it may have forgotten what it saw. */
  forget(line: string): void {
    this.#seen.delete(line);
  }
}
