import type { Logger } from 'pino';

import { retryDelayMs } from './backoff.ts';
import type { Link } from './link.ts';
import type { Timers } from './timers.ts';
import type { NotDone, Transport } from './transport.ts';

/** A relay that does not know a call is asked again this often. A new one is found sooner: the link was lost in between. */
const UNSUPPORTED_RETRY_MS = 600_000;

/** The open link over which something comes. */
export interface RelaySource {
  readonly boot: string;
  readonly transport: Transport;
  readonly link: Pick<Link, 'report' | 'hurry'>;
}

/** What a loop does, and what it needs. */
export interface RelayLoopOptions {
  /**
   * Asks the relay once, and does what the answer says. Gives what went wrong, if anything did; undefined: asks again at once. `worked`
   * is to be called when an answer that lasts has begun: what ends it is the first failure then. Must not throw.
   */
  readonly turn: (source: RelaySource, signal: AbortSignal, worked: () => void) => Promise<NotDone | undefined>;
  /** Said once of a relay that does not know the call. */
  readonly unsupported: string;
  readonly random: () => number;
  readonly timers: Timers;
  readonly log: Logger;
}

/** Asks the relay for something again and again while the link is open; the relay keeps an answer back until there is one. */
export class RelayLoop {
  readonly #options: RelayLoopOptions;
  #running: AbortController | undefined;
  #ended: Promise<void> = Promise.resolve();
  #hasToldUnsupported = false;

  constructor(options: RelayLoopOptions) {
    this.#options = options;
  }

  /** The link is open: asks until `hold`. May be called while it does. */
  open(source: RelaySource): void {
    if (this.#running !== undefined) return;
    const running = new AbortController();
    this.#running = running;
    this.#ended = this.#run(source, running.signal);
  }

  /** The link is not open any more. */
  hold(): void {
    this.#running?.abort();
    this.#running = undefined;
  }

  /** Asks no more; resolves when what the last answer said is done. */
  async stop(): Promise<void> {
    this.hold();
    await this.#ended;
  }

  async #run(source: RelaySource, signal: AbortSignal): Promise<void> {
    let failures = 0;
    const worked = (): void => {
      failures = 0;
      this.#hasToldUnsupported = false;
    };
    while (!signal.aborted) {
      const notDone = await this.#options.turn(source, signal, worked);
      if (signal.aborted) return;
      failures += 1;
      if (notDone === undefined) worked();
      else await this.#pause(this.#delayAfter(notDone, failures, source), signal);
    }
  }

  #delayAfter(outcome: NotDone, failures: number, { link }: RelaySource): number {
    const { random, log, unsupported } = this.#options;
    if (outcome.kind === 'refused' && outcome.code === 'route-not-found') {
      if (!this.#hasToldUnsupported) log.warn(unsupported);
      this.#hasToldUnsupported = true;
      return UNSUPPORTED_RETRY_MS;
    }
    if (outcome.kind === 'refused' || outcome.kind === 'superseded') link.report(outcome);
    // What cuts off a request that waits need not be the end of the link: the link finds out.
    if (outcome.kind === 'lost') link.hurry();
    return retryDelayMs(failures, random, outcome.kind === 'failed' ? outcome.retryAfterMs : 0);
  }

  #pause(delayMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const settle = (): void => {
        disarm();
        signal.removeEventListener('abort', settle);
        resolve();
      };
      const disarm = this.#options.timers.after(delayMs, settle);
      signal.addEventListener('abort', settle, { once: true });
      if (signal.aborted) settle();
    });
  }
}
