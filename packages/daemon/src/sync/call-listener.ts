import type { CallOutcome, Json, TakenCall } from '@holdfast/protocol';
import type { Logger } from 'pino';

import type { CountCall } from './call-handlers.ts';
import type { CallRunner } from './call-runner.ts';
import { RelayLoop, type RelaySource } from './relay-loop.ts';
import type { Timers } from './timers.ts';
import type { NotDone } from './transport.ts';

/** What taking calls needs. */
export interface CallListenerOptions {
  readonly runner: CallRunner;
  readonly count: CountCall;
  readonly random: () => number;
  readonly timers: Timers;
  readonly log: Logger;
}

/** Takes the calls of other nodes while the link is open: one request to the relay waits for them all the time. */
export class CallListener {
  readonly #options: CallListenerOptions;
  readonly #loop: RelayLoop;
  #isTaking = false;

  constructor(options: CallListenerOptions) {
    this.#options = options;
    this.#loop = new RelayLoop({
      ...options,
      turn: (source, signal) => this.#turn(source, signal),
      unsupported: 'the relay knows no calls of nodes to each other: it is older',
    });
  }

  /** Whether other nodes can call this one. */
  get isTaking(): boolean {
    return this.#isTaking;
  }

  /** The link is open: listens until `hold`. May be called while it listens. */
  open(source: RelaySource): void {
    this.#loop.open(source);
  }

  /** The link is not open any more: takes no more calls. Those it took are answered, as far as the way is there. */
  hold(): void {
    this.#loop.hold();
    this.#isTaking = false;
  }

  async #turn(source: RelaySource, signal: AbortSignal): Promise<NotDone | undefined> {
    // At first only asks whether the relay takes it: a request that waits would not tell.
    const wish = this.#isTaking ? { boot: source.boot } : { boot: source.boot, wait_seconds: 0 };
    const outcome = await source.transport.nextCalls(wish, signal);
    if (signal.aborted) return undefined;
    this.#isTaking = outcome.kind === 'done';
    if (outcome.kind !== 'done') return outcome;
    for (const call of outcome.value.calls) this.#take(call, source);
    return undefined;
  }

  #take({ id, from, call, body, timeout_seconds: seconds }: TakenCall, { boot, transport }: RelaySource): void {
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
}
