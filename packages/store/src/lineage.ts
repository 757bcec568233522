import { startOf, type StartEntry } from '@holdfast/protocol';

/**
 * The starts of a node's daemon as a tree: each goes on from the one before it in the same directory. A directory that was
 * put back or copied goes on from an older start than the last, and so makes a branch. Versions name the start that wrote
 * them, so that the tree tells which of two writes came later where clocks cannot be trusted (protocol rule 6).
 */
export class Lineage {
  readonly #own: string;
  readonly #parents: ReadonlyMap<string, string | null>;
  /** Which became known to the relay first. */
  readonly #places: ReadonlyMap<string, number>;
  readonly #ancestors = new Map<string, ReadonlySet<string>>();

  /** `own`: the start that runs here. `starts`: what the relay knows, in the order it became known. */
  constructor(own: string, starts: readonly StartEntry[]) {
    this.#own = own;
    this.#parents = new Map(starts.map(({ start, parent }) => [start, parent]));
    this.#places = new Map(starts.map(({ start }, place) => [start, place]));
  }

  /**
   * Whether the write that has the version `ours` here came after the one that has the version `theirs` at the relay, whatever
   * the versions say. False also when that cannot be told: then the higher version is the later one.
   *
   * What a start wrote is older than what the starts wrote that go on from it, and cannot be told from what a copy wrote that was
   * made while it ran. What the start that runs here wrote is later than all else. What a start before it wrote is later than what
   * a branch holds that went on from an earlier start, if the relay knew of that branch first: then the branch was given up for it.
   */
  isLater(ours: string, theirs: string): boolean {
    const [our, their] = [startOf(ours), startOf(theirs)];
    if (our === their || this.#ancestorsOf(their).has(our)) return false;
    if (our === this.#own) return true;
    if (this.#ancestorsOf(our).has(their)) return this.#parents.has(their);
    return this.#ancestorsOf(this.#own).has(our) && this.#placeOf(our) > this.#placeOf(their);
  }

  #placeOf(start: string): number {
    return this.#places.get(start) ?? Number.NaN;
  }

  #ancestorsOf(start: string): ReadonlySet<string> {
    const known = this.#ancestors.get(start);
    if (known !== undefined) return known;
    const found = new Set<string>();
    let parent = this.#parents.get(start) ?? null;
    while (parent !== null && !found.has(parent)) {
      found.add(parent);
      parent = this.#parents.get(parent) ?? null;
    }
    this.#ancestors.set(start, found);
    return found;
  }
}
