import { seededRandom } from '@holdfast/testkit';

import { expires, isShortLived, type Key, type Stored } from './values.ts';

/** Worlds in which nodes share records. */
const SHARE_OF_WORLDS = 0.4;

/** Whether nodes share records in the world of a seed. Drawn from randomness of its own: all other worlds stay what they were. */
export function sharesIn(seed: number): boolean {
  return seededRandom(seed + 2_000_000_011).next() < SHARE_OF_WORLDS;
}

/** One write of a shared record that was asked for. */
export interface SharedWrite {
  /** Counts up over the world, and stands in the document. */
  readonly serial: number;
  readonly key: Key;
  readonly kind: 'put' | 'patch' | 'delete';
  /** When it was asked for, by the clock of its node, in milliseconds since 1970. */
  readonly atMs: number;
}

/** What a document of a shared record holds: which write made it, and which put a patch went on from. */
export interface SharedDocument {
  readonly n: number;
  readonly put: number;
}

/**
 * What callers were promised of the records that all nodes share: of each key the highest version that was acknowledged. It, or a
 * higher one, is everywhere in the end, whoever wrote it: versions tell which of two writes counts.
 */
export class SharedPromises {
  readonly #writes = new Map<number, SharedWrite>();
  readonly #refused = new Set<SharedWrite>();
  readonly #floors = new Map<Key, string>();
  /** Writes asked for, and those acknowledged. */
  asked = 0;
  acknowledged = 0;

  /** A write is asked for. */
  ask(write: Omit<SharedWrite, 'serial'>): SharedWrite {
    this.asked += 1;
    const asked = { ...write, serial: this.asked };
    this.#writes.set(asked.serial, asked);
    return asked;
  }

  /** It was acknowledged. */
  keep({ key }: SharedWrite, version: string): void {
    this.acknowledged += 1;
    if (!isShortLived(key) && version > (this.#floors.get(key) ?? '')) this.#floors.set(key, version);
  }

  /** It was refused: it had no effect. */
  refused(write: SharedWrite): void {
    this.#refused.add(write);
  }

  /** Of which keys something was promised, and the least version that must be there. */
  floors(): (readonly [Key, string])[] {
    return [...this.#floors];
  }

  /** The only places that held what was promised of a key lost it: `version` is what is left. */
  lost(key: Key, version: string | undefined): void {
    if (version === undefined) this.#floors.delete(key);
    else this.#floors.set(key, version);
  }

  /**
   * What is wrong with a record, as nobody asked for it or it was refused; undefined if nothing is. `isWeak`: nodes may have deleted it
   * because the relay has it no more.
   */
  wrongWith(key: Key, stored: Stored, isWeak: boolean): string | undefined {
    if (stored.doc === null) return this.#isDeletionOf(key, stored, isWeak) ? undefined : 'nobody deleted it';
    const { n, put } = JSON.parse(stored.doc) as SharedDocument;
    const areMade = this.#isMade(key, n, ['put', 'patch']) && this.#isMade(key, put, ['put']) && put <= n;
    return areMade ? undefined : `nobody wrote ${stored.doc}`;
  }

  /** Whether no promise is kept of a key: each side's own clock removes what expires, and nobody sends it to a relay that was put back. */
  isWeak(key: Key, isRelayPutBack: boolean): boolean {
    return isShortLived(key) || (isRelayPutBack && expires(key));
  }

  #isMade(key: Key, serial: number, kinds: readonly SharedWrite['kind'][]): boolean {
    const write = this.#writes.get(serial);
    return write !== undefined && write.key === key && kinds.includes(write.kind) && !this.#refused.has(write);
  }

  // A tombstone says neither who made it nor which write it was; its time is that of the asking. What the relay has no more
  // is deleted with the time it had.
  #isDeletionOf(key: Key, { updatedAtMs }: Stored, isWeak: boolean): boolean {
    return [...this.#writes.values()].some(
      (write) =>
        (write.kind === 'delete' || isWeak) &&
        write.key === key &&
        write.atMs === updatedAtMs &&
        !this.#refused.has(write),
    );
  }
}
