import { type CallOutcome, HoldfastError, type TakenCall } from '@holdfast/protocol';

import { abandoned, CallUnderWay, unreachable } from './call-under-way.ts';
import { ListeningNode } from './listening-node.ts';
import type { Listener, RoutedCall, Switchboard } from './switchboard.ts';

/** What a switchboard holds at most. */
export interface SwitchboardBounds {
  /** Calls under way to one node, and calls of one node. */
  readonly callsOfNode: number;
  readonly calls: number;
  /** Of all calls under way. A part of what all bodies of a service may take, which they hold for as long. */
  readonly bytes: number;
  /** How long a node that was given calls may take to ask for more before it counts as gone. */
  readonly graceMs: number;
}

const DEFAULT_BOUNDS: SwitchboardBounds = {
  callsOfNode: 256,
  calls: 2048,
  bytes: 16 * 1024 * 1024,
  graceMs: 5000,
};

/** A switchboard in the memory of one relay. */
export class MemorySwitchboard implements Switchboard {
  readonly #bounds: SwitchboardBounds;
  readonly #nodes = new Map<string, ListeningNode>();
  readonly #calls = new Map<string, CallUnderWay>();
  #bytes = 0;
  #isStopped = false;

  constructor(bounds: Partial<SwitchboardBounds> = {}) {
    this.#bounds = { ...DEFAULT_BOUNDS, ...bounds };
  }

  get listening(): number {
    return this.#nodes.size;
  }

  get underWay(): number {
    return this.#calls.size;
  }

  async ask(routed: RoutedCall, signal: AbortSignal): Promise<CallOutcome> {
    this.#assertRuns();
    this.#assertRoom(routed);
    const node = this.#nodes.get(routed.to.node);
    if (node === undefined || node.boot !== routed.to.boot) throw unreachable(routed.to);
    if (signal.aborted) throw abandoned();
    const call = new CallUnderWay(routed, signal);
    this.#calls.set(call.id, call);
    this.#bytes += routed.bytes;
    try {
      node.give(call);
      return await call.outcome;
    } finally {
      this.#calls.delete(call.id);
      this.#bytes -= routed.bytes;
      node.forget(call);
    }
  }

  async next(listener: Listener, waitMs: number, signal: AbortSignal): Promise<readonly TakenCall[]> {
    this.#assertRuns();
    return signal.aborted ? [] : this.#nodeOf(listener).take(waitMs, signal);
  }

  async answer({ node, boot }: Listener, id: string, outcome: CallOutcome): Promise<boolean> {
    const call = this.#calls.get(id);
    if (call === undefined || call.isOver || call.routed.to.node !== node || call.takenBy !== boot) return false;
    call.settle(outcome);
    return true;
  }

  stop(): void {
    this.#isStopped = true;
    for (const call of this.#calls.values()) call.end(call.takenBy === undefined ? stopping() : call.unanswered());
    for (const node of this.#nodes.values()) node.leave(stopping());
  }

  #nodeOf({ node, boot }: Listener): ListeningNode {
    const before = this.#nodes.get(node);
    if (before?.boot === boot) return before;
    before?.leave(new HoldfastError('node-cloned', `another start of the daemon takes the calls of node "${node}"`));
    // What another start took it will not answer any more.
    for (const call of this.#calls.values()) {
      const { takenBy, routed } = call;
      if (routed.to.node === node && takenBy !== undefined && takenBy !== boot) call.end(call.unanswered());
    }
    const listening = new ListeningNode(boot, this.#bounds.graceMs, () => {
      if (this.#nodes.get(node) === listening) this.#nodes.delete(node);
    });
    this.#nodes.set(node, listening);
    return listening;
  }

  #assertRuns(): void {
    if (this.#isStopped) throw stopping();
  }

  #assertRoom({ from, to, bytes }: RoutedCall): void {
    const { calls, callsOfNode, bytes: mostBytes } = this.#bounds;
    if (this.#calls.size >= calls || this.#bytes + bytes > mostBytes) {
      throw tooMany('too many calls of nodes are under way');
    }
    const routes = [...this.#calls.values()].map(({ routed }) => routed);
    if (routes.filter((each) => each.to.node === to.node).length >= callsOfNode) {
      throw tooMany(`too many calls to node "${to.node}" are under way`);
    }
    if (routes.filter((each) => each.from.node === from.node).length >= callsOfNode) {
      throw tooMany(`too many calls of node "${from.node}" are under way`);
    }
  }
}

function stopping(): HoldfastError {
  return new HoldfastError('shutting-down', 'the relay is stopping', { retryAfterSeconds: 1 });
}

function tooMany(detail: string): HoldfastError {
  return new HoldfastError('too-many-requests', detail, { retryAfterSeconds: 1 });
}
