/**
 * Hybrid logical clock (Kulkarni et al., "Logical Physical Clocks", 2014), protocol rule 19.
 *
 * A version is fixed-width text that sorts as it compares: 48-bit milliseconds, 16-bit counter, and 32 bits that name the
 * start of the daemon that wrote it, all in hexadecimal: `0192f0c1a2b3-0001-7f3a9c21`.
 */
export const VERSION_PATTERN: RegExp = /^[0-9a-f]{12}-[0-9a-f]{4}-[0-9a-f]{8}$/;

/** The version below every other. Cursors start here. */
export const ZERO_VERSION = '000000000000-0000-00000000';

/** Hexadecimal digits a version says its start with. */
const START_DIGITS = 8;

const MAX_COUNTER = 0xffff;
const MAX_MS = 2 ** 48 - 1;

/** Tells the time in milliseconds since 1970; injected so that tests can bend it. */
export type Now = () => number;

/** The wall-clock milliseconds inside a version. Not to be trusted for order: compare versions as strings. */
export function versionMs(version: string): number {
  return Number.parseInt(version.slice(0, 12), 16);
}

/** Names the start of a daemon that a version was written in; see `startOfBoot`. */
export function startOf(version: string): string {
  return version.slice(-START_DIGITS);
}

/** What a start of a daemon ends its versions with: the first 8 hexadecimal digits of its boot. */
export function startOfBoot(boot: string): string {
  return boot.slice(0, START_DIGITS);
}

/**
 * Hands out versions that only grow, whatever the wall clock does: also after it was set back, and, when told of the
 * last version before a restart by `observe`, also over restarts.
 */
export class HybridClock {
  readonly #now: Now;
  #start: string;
  #ms = 0;
  #counter = 0;
  #msText = '000000000000';

  /** `start` is what all versions end with, 8 hexadecimal digits; it tells whose they are, and breaks ties. */
  constructor(now: Now, start: string) {
    assertStart(start);
    this.#now = now;
    this.#start = start;
  }

  /** What is written from now on counts as written in another start: every later `next()` ends with it. */
  changeStart(start: string): void {
    assertStart(start);
    this.#start = start;
  }

  /** The next version: above all it gave and all it observed. Throws RangeError past the year 10889. */
  next(): string {
    const wallMs = this.#now();
    if (wallMs > this.#ms) this.#set(wallMs, 0);
    else if (this.#counter < MAX_COUNTER) this.#counter += 1;
    else this.#set(this.#ms + 1, 0);
    return `${this.#msText}-${this.#counter.toString(16).padStart(4, '0')}-${this.#start}`;
  }

  /** Like `next()`, for what was written in the start that `version` names, and is to be above others now. */
  renewed(version: string): string {
    return this.next().slice(0, -START_DIGITS) + startOf(version);
  }

  /** Takes note of a version made elsewhere or earlier: every later `next()` is above it. */
  observe(version: string): void {
    const ms = versionMs(version);
    const counter = Number.parseInt(version.slice(13, 17), 16);
    if (ms > this.#ms || (ms === this.#ms && counter > this.#counter)) this.#set(ms, counter);
  }

  #set(ms: number, counter: number): void {
    if (ms > MAX_MS) throw new RangeError('the clock is past the last version that fits in 48 bits');
    this.#ms = ms;
    this.#counter = counter;
    this.#msText = ms.toString(16).padStart(12, '0');
  }
}

function assertStart(start: string): void {
  if (!/^[0-9a-f]{8}$/.test(start)) throw new RangeError(`a start has 8 hexadecimal digits, not "${start}"`);
}
