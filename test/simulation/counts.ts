/** How often each of several things happened. */
export class Counts<Kind extends string> {
  readonly #kinds: readonly Kind[];
  readonly #counts = new Map<Kind, number>();

  /** `kinds`: all there are, in the order in which they are told. */
  constructor(kinds: readonly Kind[]) {
    this.#kinds = kinds;
  }

  /** A thing happened. */
  add(kind: Kind, times = 1): void {
    this.#counts.set(kind, this.of(kind) + times);
  }

  /** How often a thing happened. */
  of(kind: Kind): number {
    return this.#counts.get(kind) ?? 0;
  }

  /** How often any of them happened. */
  get total(): number {
    return this.entries().reduce((sum, [, count]) => sum + count, 0);
  }

  /** Those that happened, in the order of the list. */
  entries(): (readonly [Kind, number])[] {
    return this.#kinds.flatMap((kind) => (this.of(kind) > 0 ? [[kind, this.of(kind)] as const] : []));
  }

  /** Counts what another world counted. */
  addAll(other: Counts<Kind>): void {
    for (const [kind, count] of other.entries()) this.add(kind, count);
  }
}
