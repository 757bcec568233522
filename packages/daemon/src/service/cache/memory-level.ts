import { LRUCache } from 'lru-cache';

import type { CacheCounts } from './figures.ts';

/** A value in memory, with all that a hit looks at. */
export interface MemoryValue {
  readonly text: string;
  readonly expiresAtMs: number;
  readonly marks: readonly string[];
  /** As of which step of the marks it is right. */
  readonly step: number;
  readonly counts: CacheCounts;
}

/** What a value costs beside its text, in bytes: the objects, and its place in the list. Measured, and rounded up. */
const OVERHEAD_BYTES = 400;

/** Cached values in memory, bounded in bytes: the least recently used go. */
export class MemoryLevel {
  readonly #values: LRUCache<string, MemoryValue>;

  constructor(mostBytes: number) {
    this.#values = new LRUCache({ maxSize: mostBytes, sizeCalculation: bytesOf });
  }

  /** How many bytes the values take, roughly. */
  get bytes(): number {
    return this.#values.calculatedSize;
  }

  /** The value of a name, whether it still holds or not. */
  get(name: string): MemoryValue | undefined {
    return this.#values.get(name);
  }

  /** Keeps a value; one that is larger than all may be is not kept. */
  set(name: string, value: MemoryValue): void {
    this.#values.set(name, value);
  }

  /** Forgets a value. */
  delete(name: string): void {
    this.#values.delete(name);
  }

  /** Forgets all values whose name begins so. Looks at each. */
  deletePrefixed(prefix: string): void {
    for (const name of this.#values.keys()) if (name.startsWith(prefix)) this.#values.delete(name);
  }
}

function bytesOf({ text, marks }: MemoryValue, name: string): number {
  const labels = marks.reduce((sum, mark) => sum + textBytes(mark), 0);
  return OVERHEAD_BYTES + textBytes(name) + textBytes(text) + labels;
}

// V8 keeps texts of Latin letters in a byte a character, all others in two. Those with umlauts are counted double.
function textBytes(text: string): number {
  return Buffer.byteLength(text) === text.length ? text.length : 2 * text.length;
}
