import { randomBytes } from 'node:crypto';

import { type CallOutcome, HoldfastError, type TakenCall } from '@holdfast/protocol';
import { toTimestamp } from '@holdfast/store';

import type { RoutedCall } from './switchboard.ts';

/** A call that somebody waits for: it waits for its node first, and then for the answer. */
export class CallUnderWay {
  readonly id: string = randomBytes(16).toString('hex');
  readonly routed: RoutedCall;
  /** What came of it. Rejects when its time is over, when whoever asks goes away, and as `end` says. */
  readonly outcome: Promise<CallOutcome>;
  readonly #resolve: (outcome: CallOutcome) => void;
  readonly #reject: (reason: HoldfastError) => void;
  readonly #untilMs: number;
  #takenBy: string | undefined;
  #isOver = false;

  constructor(routed: RoutedCall, signal: AbortSignal) {
    const { promise, resolve, reject } = Promise.withResolvers<CallOutcome>();
    this.routed = routed;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#untilMs = performance.now() + routed.timeoutMs;
    const timer = setTimeout(() => this.end(this.#late()), routed.timeoutMs);
    const leave = (): void => this.end(abandoned());
    signal.addEventListener('abort', leave, { once: true });
    this.outcome = promise.finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', leave);
    });
  }

  /** The start that took it; undefined: none did. */
  get takenBy(): string | undefined {
    return this.#takenBy;
  }

  /** Whether nobody waits for it any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Gives it out; nobody else may get it then. */
  take(boot: string): TakenCall {
    this.#takenBy = boot;
    const { from, call, body } = this.routed;
    const leftMs = Math.max(1, this.#untilMs - performance.now());
    return { id: this.id, from, call, body, timeout_seconds: leftMs / 1000 };
  }

  /** Tells what came of it. */
  settle(outcome: CallOutcome): void {
    this.#isOver = true;
    this.#resolve(outcome);
  }

  /** Ends it without an answer. */
  end(reason: HoldfastError): void {
    this.#isOver = true;
    this.#reject(reason);
  }

  /** Somebody took it and will not answer. */
  unanswered(): HoldfastError {
    const { node } = this.routed.to;
    const detail = `node "${node}" took the call and did not answer`;
    return new HoldfastError('call-unanswered', detail, { extensions: { node } });
  }

  #late(): HoldfastError {
    return this.#takenBy === undefined ? unreachable(this.routed.to) : this.unanswered();
  }
}

/** Nobody took a call, as its node does not listen. */
export function unreachable({ node, lastContactMs }: RoutedCall['to']): HoldfastError {
  const lastContactAt = lastContactMs === null ? null : toTimestamp(lastContactMs);
  const since = lastContactAt === null ? 'it was never heard of' : `it was last heard of at ${lastContactAt}`;
  const extensions = { node, last_contact_at: lastContactAt };
  return new HoldfastError('node-unreachable', `node "${node}" takes no calls now; ${since}`, { extensions });
}

/** Nobody waits for the answer any more. */
export function abandoned(): HoldfastError {
  return new HoldfastError('call-unanswered', 'whoever asked is gone');
}
