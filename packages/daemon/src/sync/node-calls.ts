import { HoldfastError, type Json, limits } from '@holdfast/protocol';
import type { Logger } from 'pino';

import type { CallHandlers, CountCall, NodeCall } from './call-handlers.ts';
import { CallListener } from './call-listener.ts';
import { CallRunner } from './call-runner.ts';
import { askNode, type NodeCallOptions } from './node-call.ts';
import type { RelaySource } from './relay-loop.ts';
import type { Timers } from './timers.ts';

/** How a node is called, and what for. */
export interface NodeCallsOptions {
  /** The node's name; undefined: it has none yet. */
  readonly node: () => string | undefined;
  readonly handlers: CallHandlers;
  readonly count: CountCall;
}

/** What calls need besides. */
export interface CallSurroundings {
  readonly random: () => number;
  readonly timers: Timers;
  readonly log: Logger;
}

/** A node's calls of others, and others' of it, in one life of its link. */
export class NodeCalls {
  readonly #options: NodeCallsOptions;
  readonly #runner: CallRunner;
  readonly #listener: CallListener;

  constructor(options: NodeCallsOptions, surroundings: CallSurroundings) {
    this.#options = options;
    this.#runner = new CallRunner(options.handlers, surroundings.log);
    this.#listener = new CallListener({ ...surroundings, runner: this.#runner, count: options.count });
  }

  /** Whether other nodes can call this one now. */
  get isTaking(): boolean {
    return this.#listener.isTaking;
  }

  /** Asks another node, or this one without the relay. Throws like `askNode`. */
  async ask(asked: NodeCall, way: NodeCallOptions): Promise<Json> {
    const { node, count } = this.#options;
    count('asked');
    try {
      assertTime(asked);
      return asked.node === node() ? await this.#askSelf(asked, way.signal) : await askNode(asked, way);
    } catch (error) {
      count('failed');
      throw error;
    }
  }

  /** See `CallListener.open`. */
  open(source: RelaySource): void {
    this.#listener.open(source);
  }

  /** See `CallListener.hold`. */
  hold(): void {
    this.#listener.hold();
  }

  /** Takes no more calls; those taken have ended when it resolves. */
  async stop(): Promise<void> {
    this.#listener.hold();
    await this.#runner.stop();
  }

  #askSelf({ node, agent, resource, call, body }: NodeCall, signal: AbortSignal): Promise<Json> {
    return this.#runner.run({ from: { node, agent, resource }, call, body }, signal);
  }
}

function assertTime({ timeoutSeconds = limits.callSeconds }: NodeCall): void {
  if (timeoutSeconds > 0 && timeoutSeconds <= limits.callSeconds) return;
  throw new HoldfastError('invalid-request', `a call waits for at most ${limits.callSeconds} seconds`);
}
