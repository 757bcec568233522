import { isShortLived, type Key, nothing, type Write } from './values.ts';

/**
 * What one line of a node's directory promised: for each key, the writes of which one must stand in the end. One
 * acknowledged write, and those after it whose callers had no answer. A clone begins a line of its own.
 */
export class Expectations {
  readonly #possible: Map<Key, readonly Write[]>;
  /** The latest acknowledged write of each key, by its serial. */
  readonly #acknowledged = new Map<Key, number>();
  /** Written by this line alone, since it parted from the other. */
  readonly #ownKeys = new Set<Key>();
  /** The latest write of each key that was asked for, by its serial. */
  readonly #asked = new Map<Key, number>();
  /** Asked for and not answered, in the order of asking. */
  readonly #pending = new Set<Write>();

  constructor(possible: ReadonlyMap<Key, readonly Write[]> = new Map()) {
    this.#possible = new Map(possible);
  }

  /** The keys anything was ever asked of. */
  get keys(): readonly Key[] {
    return [...this.#possible.keys()];
  }

  /** What may stand under a key. */
  possible(key: Key): readonly Write[] {
    return this.#possible.get(key) ?? [nothing(key)];
  }

  /** The serial of the latest write of a key that was asked for. */
  lastAsked(key: Key): number | undefined {
    return this.#asked.get(key);
  }

  /** A write was asked for. */
  asked(write: Write): void {
    this.#asked.set(write.key, write.serial);
    this.#pending.add(write);
    this.#ownKeys.add(write.key);
    if (!this.#possible.has(write.key)) this.#possible.set(write.key, [nothing(write.key)]);
  }

  /** A write was acknowledged. Of records with a short life, all that was ever written may be seen. */
  acknowledged(write: Write): void {
    const { key, serial } = write;
    this.#pending.delete(write);
    if (isShortLived(key)) {
      this.#possible.set(key, [...this.possible(key), write]);
    } else if (serial > (this.#acknowledged.get(key) ?? 0)) {
      this.#acknowledged.set(key, serial);
      this.#possible.set(key, [write, ...this.possible(key).filter((other) => other.serial > serial)]);
    }
  }

  /** A write was refused: it had no effect. */
  refused(write: Write): void {
    this.#pending.delete(write);
  }

  /** The process ended before it answered: what was asked for is there, or not. */
  unanswered(): readonly Write[] {
    const writes = [...this.#pending];
    for (const write of writes) this.#possible.set(write.key, [...this.possible(write.key), write]);
    this.#pending.clear();
    return writes;
  }

  /** The only places that had what was promised lost it: `best` is the latest that is left. */
  lost(best: Write): void {
    this.#possible.set(best.key, [...this.possible(best.key), best]);
  }

  /**
   * A second line that begins with what this one promised. What has no answer yet is there, or not. `isSettled`: node and
   * relay had found that they hold the same. If they had not, the node may take what it wrote since its start for later than
   * anything of the other line: so it does when it was put back, and it cannot tell.
   */
  fork(isSettled: boolean): Expectations {
    this.#ownKeys.clear();
    const other = new Expectations(this.#possible);
    if (!isSettled) for (const key of this.keys) this.#ownKeys.add(key);
    for (const write of this.#pending) {
      this.#ownKeys.add(write.key);
      other.#possible.set(write.key, [...other.possible(write.key), write]);
    }
    return other;
  }

  /**
   * Takes over what another line promised that parted from this one and ends. What both wrote, either may have won: returns
   * those keys.
   */
  join(other: Expectations): ReadonlySet<Key> {
    const contested = new Set([...this.#ownKeys].filter((key) => other.#ownKeys.has(key)));
    for (const key of other.#ownKeys) {
      const both = contested.has(key) ? [...this.possible(key), ...other.possible(key)] : other.possible(key);
      this.#possible.set(key, both);
    }
    return contested;
  }
}
