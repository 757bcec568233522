/** What was told already: of each thing the state that was told last. */
export class Told {
  readonly #states = new Map<string, string>();
  readonly #most: number;

  /** Of more things than `most`, those are forgotten that were told the longest ago. */
  constructor(most: number = Infinity) {
    this.#most = most;
  }

  /** Whether a thing was not told in this state last; from now on it was. */
  isNew(thing: string, state: string = ''): boolean {
    if (this.#states.get(thing) === state) return false;
    this.#states.delete(thing);
    this.#states.set(thing, state);
    const [first = thing] = this.#states.keys();
    if (this.#states.size > this.#most) this.#states.delete(first);
    return true;
  }
}
