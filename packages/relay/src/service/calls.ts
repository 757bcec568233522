import {
  type CallAnswer,
  type CallOutcome,
  type CallReceipt,
  type CallRequest,
  HoldfastError,
  isHoldfastError,
  type TakenCalls,
} from '@holdfast/protocol';

import type { RelayStore } from '../storage/relay-store.ts';
import type { CallMetrics } from './call-metrics.ts';
import { assertSpeaks } from './speaking.ts';
import type { Switchboard } from './switchboard.ts';

/** What calls between nodes need. */
export interface CallsOptions {
  readonly store: Pick<RelayStore, 'speaker'>;
  readonly switchboard: Switchboard;
  readonly metrics: CallMetrics;
}

/** Calls of nodes to each other. Only the start that speaks for a node (protocol rule 7) asks and is asked in its name. */
export class Calls {
  readonly #options: CallsOptions;

  constructor(options: CallsOptions) {
    this.#options = options;
  }

  /** Asks another node for a node. `bytes`: size of the request. Throws `node-not-found`, and like `Switchboard.ask`. */
  async ask(node: string, request: CallRequest, bytes: number, signal: AbortSignal): Promise<CallOutcome> {
    const { store, switchboard, metrics } = this.#options;
    await assertSpeaks(store, node, request.boot);
    const speaker = await store.speaker(request.node);
    if (speaker === undefined) {
      throw new HoldfastError('node-not-found', `no node "${request.node}" is enrolled here`);
    }
    const { agent, resource, call, body } = request;
    const from = { node, agent, resource };
    const to = { node: request.node, ...speaker };
    const routed = { from, to, call, body, bytes, timeoutMs: request.timeout_seconds * 1000 };
    try {
      const outcome = await switchboard.ask(routed, signal);
      metrics.count('problem' in outcome ? 'refused' : 'answered');
      return outcome;
    } catch (error) {
      metrics.count(isHoldfastError(error, 'call-unanswered') ? 'unanswered' : 'undelivered');
      throw error;
    }
  }

  /** Gives a start of a node its calls. Throws `node-cloned` if another one speaks for the node. */
  async next(
    node: string,
    { boot, wait_seconds: waitSeconds }: { readonly boot: string; readonly wait_seconds: number },
    signal: AbortSignal,
  ): Promise<TakenCalls> {
    const { store, switchboard } = this.#options;
    await assertSpeaks(store, node, boot);
    const calls = await switchboard.next({ node, boot }, waitSeconds * 1000, signal);
    return { calls: [...calls] };
  }

  /** Takes a node's answer to a call. */
  async answer(node: string, id: string, { boot, outcome }: CallAnswer): Promise<CallReceipt> {
    return { delivered: await this.#options.switchboard.answer({ node, boot }, id, outcome) };
  }
}
