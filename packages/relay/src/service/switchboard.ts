import type { CallOutcome, TakenCall } from '@holdfast/protocol';

import type { NodeSpeaker } from '../storage/relay-store.ts';

/** One start of a node's daemon that takes calls. */
export interface Listener {
  readonly node: string;
  readonly boot: string;
}

/** A call on its way to a node. */
export interface RoutedCall extends Pick<TakenCall, 'from' | 'call' | 'body'> {
  readonly to: { readonly node: string } & NodeSpeaker;
  /** Size of the request. */
  readonly bytes: number;
  readonly timeoutMs: number;
}

/**
 * Where calls of nodes and the nodes that take them meet. Several relays could share one; nothing is kept when it ends.
 *
 * A call is given out once at most. Until then it is dropped when whoever asks goes away, when its time is over, or when
 * the node stops listening.
 */
export interface Switchboard {
  /**
   * Hands a call to the start that speaks for a node, if it listens, and waits for what comes of it. Rejects with
   * `node-unreachable`, `too-many-requests` and `shutting-down`, when nobody took it; with `call-unanswered` when
   * somebody did.
   */
  ask(call: RoutedCall, signal: AbortSignal): Promise<CallOutcome>;

  /**
   * The calls for a node, as soon as there are any; none after `waitMs`, or when the same start asks again. A start that
   * asks takes the place of the one before it, which gets `node-cloned`. Rejects with `shutting-down`.
   */
  next(listener: Listener, waitMs: number, signal: AbortSignal): Promise<readonly TakenCall[]>;

  /** Tells what came of a call that this start took. Resolves with whether somebody still waited for it. */
  answer(listener: Listener, id: string, outcome: CallOutcome): Promise<boolean>;

  /** How many nodes listen now. */
  readonly listening: number;

  /** How many calls wait to be taken or answered. */
  readonly underWay: number;

  /** Ends every wait. */
  stop(): void;
}
