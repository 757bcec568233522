/** The seqs one write was given: they follow one another. */
export interface SeqRange {
  readonly first: number;
  readonly last: number;
}

interface Waiter extends SeqRange {
  readonly resolve: (isTaken: boolean) => void;
}

/** A wait for the relay to take a write. */
export interface Wait {
  /** True once the relay holds it; false when it rejected some of it, or nothing can be told any more. May never resolve. */
  readonly taken: Promise<boolean>;
  readonly forget: () => void;
}

/** Those who wait for the relay to take their writes of one stream. */
export class Waiters {
  #waiters: Waiter[] = [];

  /** Waits until the relay holds the stream up to the end of a write. */
  wait(seqs: SeqRange): Wait {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiter = { ...seqs, resolve };
    this.#waiters.push(waiter);
    return { taken: promise, forget: () => (this.#waiters = this.#waiters.filter((other) => other !== waiter)) };
  }

  /**
   * The relay holds the stream up to a seq, but for what it rejected. `isHeld` says whether that is all of a write: what was
   * written over since has moved on to another seq.
   */
  settle(ackedSeq: number, rejectedSeqs: readonly number[], isHeld: (seqs: SeqRange) => boolean): void {
    this.#waiters = this.#waiters.filter(({ first, last, resolve }) => {
      const isRejected = rejectedSeqs.some((seq) => seq >= first && seq <= last);
      const isDone = isRejected || last <= ackedSeq;
      if (isDone) resolve(!isRejected && isHeld({ first, last }));
      return !isDone;
    });
  }

  /** Nothing can be told any more by these seqs. */
  dismiss(): void {
    for (const { resolve } of this.#waiters.splice(0)) resolve(false);
  }
}
