import { type Caller, type CallOutcome, HoldfastError, isHoldfastError, type Json } from '@holdfast/protocol';
import PQueue from 'p-queue';
import type { Logger } from 'pino';

import type { CallHandlers } from './call-handlers.ts';
import { answered, refused } from './call-outcome.ts';

/** Calls of other nodes that are worked on at once; others wait. */
const CALLS_AT_ONCE = 32;

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
  readonly #ending = new AbortController();

  constructor(handlers: CallHandlers, log: Logger) {
    this.#handlers = handlers;
    this.#log = log;
  }

  /** Runs a call at once. Throws `call-unsupported`, and what the handler throws. */
  async run({ from, call, body }: RunnableCall, signal: AbortSignal): Promise<Json> {
    const handler = Object.hasOwn(this.#handlers, call) ? this.#handlers[call] : undefined;
    if (handler === undefined) throw new HoldfastError('call-unsupported', `this node knows no call "${call}"`);
    return await handler(from, body, signal);
  }

  /** Runs a call of another node when it is its turn, and tells what came of it. Not if nobody waits any more by then. */
  async serve(
    call: RunnableCall,
    timeoutMs: number,
    tell: (outcome: CallOutcome, signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const late = AbortSignal.timeout(timeoutMs);
    const { signal: ending } = this.#ending;
    await this.#turns.add(async () => {
      if (late.aborted || ending.aborted) return;
      await tell(await this.#outcome(call, AbortSignal.any([late, ending])), ending);
    });
  }

  /** Ends: what has not begun is not run any more, and what has is over when this resolves. */
  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#turns.onIdle();
  }

  async #outcome(call: RunnableCall, signal: AbortSignal): Promise<CallOutcome> {
    try {
      return answered(await this.run(call, signal));
    } catch (error) {
      if (!isHoldfastError(error)) this.#log.error({ call: call.call, err: error }, 'a call of another node failed');
      return refused(error);
    }
  }
}
