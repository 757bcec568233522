import { type Caller, type CallOutcome, HoldfastError, isHoldfastError, type Json } from '@holdfast/protocol';
import PQueue from 'p-queue';
import type { Logger } from 'pino';

import type { CallHandlers } from './call-handlers.ts';
import { answered, refused } from './call-outcome.ts';

/** Calls of other nodes that are worked on at once; others wait. */
const CALLS_AT_ONCE = 32;

/** How long the end waits for answers to get to the relay. */
const FAREWELL_MS = 1000;

/** One call, and who asks. */
export interface RunnableCall {
  readonly from: Caller;
  readonly call: string;
  readonly body: Json;
}

/** Runs the handlers of calls, several at once. */
export class CallRunner {
  readonly #handlers: CallHandlers;
  readonly #log: Logger;
  readonly #turns = new PQueue({ concurrency: CALLS_AT_ONCE });
  /** For handlers; the answers of those that end for it still get away. */
  readonly #ending = new AbortController();
  readonly #cut = new AbortController();

  constructor(handlers: CallHandlers, log: Logger) {
    this.#handlers = handlers;
    this.#log = log;
  }

  /** Runs a call at once. Throws `call-unsupported`, and what the handler throws. */
  async run({ from, call, body }: RunnableCall, signal: AbortSignal): Promise<Json> {
    const handler = Object.hasOwn(this.#handlers, call) ? this.#handlers[call] : undefined;
    if (handler === undefined) throw new HoldfastError('call-unsupported', `this node knows no call "${call}"`);
    return handler(from, body, signal);
  }

  /** Runs a call of another node when it is its turn, and tells what came of it. Not if nobody waits any more by then. */
  async serve(
    call: RunnableCall,
    timeoutMs: number,
    tell: (outcome: CallOutcome, signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const late = AbortSignal.timeout(Math.ceil(timeoutMs));
    const signal = AbortSignal.any([late, this.#ending.signal]);
    await this.#turns.add(async () => {
      if (signal.aborted) return;
      const outcome = await this.#outcome(call, signal);
      if (outcome !== undefined) await tell(outcome, this.#cut.signal);
    });
  }

  /** Ends: what has not begun is not run any more, and what has is over when this resolves. */
  async stop(): Promise<void> {
    this.#ending.abort();
    const timer = setTimeout(() => this.#cut.abort(), FAREWELL_MS);
    await this.#turns.onIdle();
    clearTimeout(timer);
  }

  // Undefined: the handler gave up as it was told to, and what it has done by then nobody can say.
  async #outcome(call: RunnableCall, signal: AbortSignal): Promise<CallOutcome | undefined> {
    try {
      return answered(await this.run(call, signal));
    } catch (error) {
      if (isHoldfastError(error)) return refused(error);
      if (signal.aborted) return undefined;
      this.#log.error({ call: call.call, err: error }, 'a call of another node failed');
      return refused(error);
    }
  }
}
