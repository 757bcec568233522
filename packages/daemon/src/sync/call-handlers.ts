import type { Caller, Json } from '@holdfast/protocol';

/**
 * Does what another node asks. `from` is who asks: the relay vouches for the node, the node for its agent. What it throws of the
 * error catalogue is thrown there again; all else is logged here, and `internal` there.
 *
 * `signal`: nobody waits for the answer any more, or this daemon stops. A handler ends soon then, the daemon waits for it: with an
 * answer, or by throwing the signal's reason, after which whoever asked is told nothing.
 */
export type CallHandler = (from: Caller, body: Json, signal: AbortSignal) => Promise<Json>;

/** What other nodes may ask of this one, by the name of the call, such as `task.claim`. */
export type CallHandlers = Readonly<Record<string, CallHandler>>;

/** What is asked of another node. */
export interface NodeCall {
  /** The node that is asked. A node that asks itself is answered here, with or without a relay. */
  readonly node: string;
  /** For whom: an agent of this node, as its token says. */
  readonly agent: string;
  readonly resource: string;
  readonly call: string;
  readonly body: Json;
  /** How long the answer is waited for, at most `limits.callSeconds`. Default: ten seconds. */
  readonly timeoutSeconds?: number;
}

/** Asks another node; see `SyncEngine.call`. */
export type AskNode = (asked: NodeCall, signal: AbortSignal) => Promise<Json>;

/** Counts calls: those asked here, those taken for others, and those of either that failed. */
export type CountCall = (what: 'asked' | 'taken' | 'failed') => void;
