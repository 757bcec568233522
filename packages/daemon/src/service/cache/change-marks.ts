/** Marks remembered; beyond it the oldest count as younger than they are. */
const MOST_MARKS = 10_000;

/**
 * When what cached values depend on was changed last, in steps that are counted from the daemon's start: so that a write costs the
 * same however many values depend on it. What is not remembered any more counts as changed as late as it may have been.
 */
export class ChangeMarks {
  // A Map keeps its keys in the order they were set: the first was changed the longest time ago.
  readonly #steps = new Map<string, number>();
  #step = 0;
  #forgottenStep = 0;

  /** The last step: what is changed from now on is changed after it. */
  get step(): number {
    return this.#step;
  }

  /** Notes a change, of all of these at once. */
  change(names: readonly string[]): void {
    this.#step += 1;
    for (const name of names) {
      this.#steps.delete(name);
      this.#steps.set(name, this.#step);
    }
    for (const [name, step] of this.#steps) {
      if (this.#steps.size <= MOST_MARKS) break;
      this.#steps.delete(name);
      this.#forgottenStep = step;
    }
  }

  /** Whether none of these was changed after a step. */
  areUnchanged(names: readonly string[], step: number): boolean {
    return names.every((name) => (this.#steps.get(name) ?? this.#forgottenStep) <= step);
  }
}
