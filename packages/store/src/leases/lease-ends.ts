interface End {
  readonly atMs: number;
  readonly timer: NodeJS.Timeout;
}

/** When each lease ends, by this process' own clock that nobody sets. Calls back once for each that does. */
export class LeaseEnds {
  readonly #onEnd: (lease: string) => void;
  readonly #ends = new Map<string, End>();

  constructor(onEnd: (lease: string) => void) {
    this.#onEnd = onEnd;
  }

  /** Leases that were begun and not forgotten. */
  get count(): number {
    return this.#ends.size;
  }

  /** A lease begins, or begins anew. */
  begin(lease: string, ttlMs: number): void {
    this.forget(lease);
    this.#arm(lease, performance.now() + ttlMs);
  }

  /** Nothing of a lease that is not known. */
  remainingMs(lease: string): number {
    const end = this.#ends.get(lease);
    return end === undefined ? 0 : Math.max(0, end.atMs - performance.now());
  }

  /** Whether a lease has ended. One that is not known has only just been given. */
  isOver(lease: string): boolean {
    const end = this.#ends.get(lease);
    return end !== undefined && end.atMs <= performance.now();
  }

  /** The lease is no more. */
  forget(lease: string): void {
    clearTimeout(this.#ends.get(lease)?.timer);
    this.#ends.delete(lease);
  }

  /** Calls back about a lease that has ended once more, in a while. */
  again(lease: string, afterMs: number): void {
    const end = this.#ends.get(lease);
    if (end !== undefined) this.#arm(lease, end.atMs, afterMs);
  }

  /** Calls back no more. */
  stop(): void {
    for (const { timer } of this.#ends.values()) clearTimeout(timer);
  }

  // A timer may be a little early, and then is set once more.
  #arm(lease: string, atMs: number, afterMs: number = atMs - performance.now()): void {
    const timer = setTimeout(() => {
      if (this.isOver(lease)) this.#onEnd(lease);
      else this.#arm(lease, atMs);
    }, afterMs).unref();
    this.#ends.set(lease, { atMs, timer });
  }
}
