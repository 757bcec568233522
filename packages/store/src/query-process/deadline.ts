import { HoldfastError } from '@holdfast/protocol';

/** What ends a query before it is done. */
export interface DeadlineOptions {
  readonly seconds: number;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal | undefined;
  /** Aborts when the service stops. */
  readonly stopping: AbortSignal;
}

/** The time a query has, and whatever else may end it. */
export class Deadline {
  readonly signal: AbortSignal;
  readonly #seconds: number;
  readonly #time: AbortSignal;
  readonly #stopping: AbortSignal;

  constructor({ seconds, signal, stopping }: DeadlineOptions) {
    this.#seconds = seconds;
    this.#stopping = stopping;
    this.#time = AbortSignal.timeout(seconds * 1000);
    this.signal = AbortSignal.any([this.#time, stopping, ...(signal ? [signal] : [])]);
  }

  /** Why the query ended, if it was this that ended it. */
  reason(): HoldfastError | undefined {
    if (this.#stopping.aborted) {
      return new HoldfastError('shutting-down', 'the service is stopping', { retryAfterSeconds: 1 });
    }
    if (this.#time.aborted) return new HoldfastError('query-timeout', `it was ended after ${this.#seconds} s`);
    return this.signal.aborted ? new HoldfastError('query-timeout', 'nobody waits for the answer any more') : undefined;
  }
}
