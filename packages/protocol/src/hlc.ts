/**
 * Hybrid logical clock (Kulkarni et al., "Logical Physical Clocks", 2014), protocol rule 19.
 *
 * A version is fixed-width text that sorts as it compares: 48-bit milliseconds, 16-bit counter, 32-bit node suffix,
 * all in hexadecimal: `0192f0c1a2b3-0001-7f3a9c21`.
 */
export const VERSION_PATTERN: RegExp = /^[0-9a-f]{12}-[0-9a-f]{4}-[0-9a-f]{8}$/;

/** The version below every other. Cursors start here. */
export const ZERO_VERSION = '000000000000-0000-00000000';

const MAX_COUNTER = 0xffff;
const MAX_MS = 2 ** 48 - 1;

/** Tells the time in milliseconds since 1970; injected so that tests can bend it. */
export type Now = () => number;

/** The wall-clock milliseconds inside a version. Not to be trusted for order: compare versions as strings. */
export function versionMs(version: string): number {
  return Number.parseInt(version.slice(0, 12), 16);
}

/**
 * Hands out versions that only grow, whatever the wall clock does: also after it was set back, and, when told of the
 * last version before a restart by `observe`, also over restarts.
 */
export class HybridClock {
  readonly #now: Now;
  #suffix: string;
  #ms = 0;
  #counter = 0;
  #msText = '000000000000';

  /** `suffix` is the node's own 8 hexadecimal digits; it breaks ties between nodes. */
  constructor(now: Now, suffix: string) {
    assertSuffix(suffix);
    this.#now = now;
    this.#suffix = suffix;
  }

  /** The node is another one from now on: every later `next()` ends with these 8 hexadecimal digits. */
  changeSuffix(suffix: string): void {
    assertSuffix(suffix);
    this.#suffix = suffix;
  }

  /** The next version: above all it gave and all it observed. Throws RangeError past the year 10889. */
  next(): string {
    const wallMs = this.#now();
    if (wallMs > this.#ms) this.#set(wallMs, 0);
    else if (this.#counter < MAX_COUNTER) this.#counter += 1;
    else this.#set(this.#ms + 1, 0);
    return `${this.#msText}-${this.#counter.toString(16).padStart(4, '0')}-${this.#suffix}`;
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

function assertSuffix(suffix: string): void {
  if (!/^[0-9a-f]{8}$/.test(suffix)) throw new RangeError(`a node suffix is 8 hexadecimal digits, not "${suffix}"`);
}
