import type { CallOutcome, Json, TakenCall } from '@holdfast/protocol';
import type { Logger } from 'pino';

import { retryDelayMs } from './backoff.ts';
import type { CountCall } from './call-handlers.ts';
import type { CallRunner } from './call-runner.ts';
import type { Link } from './link.ts';
import type { Timers } from './timers.ts';
import type { NotDone, Transport } from './transport.ts';

/** A relay that knows no calls is asked again this often. A new one is found sooner: the link was lost in between. */
const UNSUPPORTED_RETRY_MS = 600_000;

/** What taking calls needs. */
export interface CallListenerOptions {
  readonly runner: CallRunner;
  readonly count: CountCall;
  readonly random: () => number;
  readonly timers: Timers;
  readonly log: Logger;
}

/** The open link over which calls come. */
export interface CallSource {
  readonly boot: string;
  readonly transport: Transport;
  readonly link: Pick<Link, 'report' | 'hurry'>;
}

/** Takes the calls of other nodes while the link is open: one request to the relay waits for them all the time. */
export class CallListener {
  readonly #options: CallListenerOptions;
  #listening: AbortController | undefined;
  #isTaking = false;
  #hasToldUnsupported = false;

  constructor(options: CallListenerOptions) {
    this.#options = options;
  }

  /** Whether other nodes can call this one. */
  get isTaking(): boolean {
    return this.#isTaking;
  }

  /** The link is open: listens until `hold`. May be called while it listens. */
  open(source: CallSource): void {
    if (this.#listening !== undefined) return;
    const listening = new AbortController();
    this.#listening = listening;
    void this.#listen(source, listening.signal);
  }

  /** The link is not open any more: takes no more calls. Those it took are answered, as far as the way is there. */
  hold(): void {
    this.#listening?.abort();
    this.#listening = undefined;
    this.#isTaking = false;
  }

  async #listen(source: CallSource, signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      // At first only asks whether the relay takes it: a request that waits would not tell.
      const wish = this.#isTaking ? { boot: source.boot } : { boot: source.boot, wait_seconds: 0 };
      const outcome = await source.transport.nextCalls(wish, signal);
      if (signal.aborted) return;
      this.#isTaking = outcome.kind === 'done';
      if (outcome.kind === 'done') {
        failures = 0;
        this.#hasToldUnsupported = false;
        for (const call of outcome.value.calls) this.#take(call, source);
      } else {
        failures += 1;
        await this.#pause(this.#delayAfter(outcome, failures, source), signal);
      }
    }
  }

  #delayAfter(outcome: NotDone, failures: number, { link }: CallSource): number {
    const { random, log } = this.#options;
    if (outcome.kind === 'refused' && outcome.code === 'route-not-found') {
      if (!this.#hasToldUnsupported) log.warn('the relay knows no calls of nodes to each other: it is older');
      this.#hasToldUnsupported = true;
      return UNSUPPORTED_RETRY_MS;
    }
    if (outcome.kind === 'refused' || outcome.kind === 'superseded') link.report(outcome);
    // What cuts off a request that waits need not be the end of the link: the link finds out.
    if (outcome.kind === 'lost') link.hurry();
    return retryDelayMs(failures, random, outcome.kind === 'failed' ? outcome.retryAfterMs : 0);
  }

  #take({ id, from, call, body, timeout_seconds: seconds }: TakenCall, { boot, transport }: CallSource): void {
    const { runner, count, log } = this.#options;
    const tell = async (outcome: CallOutcome, signal: AbortSignal): Promise<void> => {
      if ('problem' in outcome) count('failed');
      const told = await transport.answerCall(id, { boot, outcome }, signal);
      if (told.kind === 'done') return;
      const reason = 'reason' in told ? told.reason : undefined;
      log.warn({ call, reason }, 'the answer to a call of another node did not get back');
    };
    count('taken');
    // It came as JSON.
    runner.serve({ from, call, body: body as Json }, seconds * 1000, tell).catch((error: unknown) => {
      log.error({ call, err: error }, 'a call of another node could not be answered');
    });
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
