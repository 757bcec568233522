import type { Reject } from '@holdfast/protocol';
import type { AgentStore, WrittenRange } from '@holdfast/store';

interface Waiter extends WrittenRange {
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
  wait(written: WrittenRange): Wait {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiter = { ...written, resolve };
    this.#waiters.push(waiter);
    return { taken: promise, forget: () => (this.#waiters = this.#waiters.filter((other) => other !== waiter)) };
  }

  /**
   * The relay holds the stream up to a seq, but for what it rejected. What was written over or moved since stands at
   * another seq: it is there only if nothing waits any more.
   */
  settle(ackedSeq: number, rejects: readonly Reject[], { outbox, counters }: AgentStore): void {
    const isAllThere = rejects.length === 0 && counters.lastSeq === ackedSeq;
    this.#waiters = this.#waiters.filter((waiter) => {
      const { first, last, resolve } = waiter;
      const isRejected = rejects.some(({ seq }) => seq >= first && seq <= last);
      const isDone = isRejected || last <= ackedSeq;
      if (isDone) resolve(!isRejected && (isAllThere || outbox.stands(waiter)));
      return !isDone;
    });
  }

  /** Nothing can be told any more by these seqs. */
  dismiss(): void {
    for (const { resolve } of this.#waiters.splice(0)) resolve(false);
  }
}
