import { randomUUID } from 'node:crypto';

import {
  type ClaimedTask,
  type HoldfastError,
  isHoldfastError,
  type TaskReport,
  type TaskStanding,
} from '@holdfast/protocol';

import type { Scope } from '../records.ts';
import { jsonOf, namesHere, namesOfVisitor, type Peer, peerOf, type Reach, type Visitor } from './peer.ts';
import type { Claimed, ClaimWish, TaskQueue, Worker } from './task-queue.ts';
import type { TaskWakes } from './task-wakes.ts';

/** How often who waits for tasks of this node looks for what has come due, in milliseconds. */
const LOOK_MS = 1000;
/** The same for tasks of another node, which is asked each time. */
const LOOK_FAR_MS = 5000;

/** Codes that say that another node could not be asked, or may not have answered: it is asked again while there is time. */
const PASSING: ReadonlySet<string> = new Set([
  'relay-unreachable',
  'node-unreachable',
  'call-unanswered',
  'too-many-requests',
]);

/** What a worker asks for. */
export interface ClaimAsked {
  /** Whose tasks; undefined: its own. */
  readonly from: string | undefined;
  readonly wish: ClaimWish;
  /** How long a task is waited for; 0: not at all. */
  readonly waitMs: number;
}

/** Brings workers and tasks together: on this node, and through the relay from node to node. */
export class TaskDesk {
  readonly #queue: TaskQueue;
  readonly #reach: Reach;
  readonly #wakes: TaskWakes;

  constructor(queue: TaskQueue, reach: Reach, wakes: TaskWakes) {
    this.#queue = queue;
    this.#reach = reach;
    this.#wakes = wakes;
  }

  /**
   * Claims a task for an agent of this node, and waits for one where there is none; null when none came. Throws `agent-not-found`, what
   * `TaskQueue.claim` and `Reach.call` throw: while the other node is away not before the wait ends.
   */
  async claim(caller: Scope, { from, wish, waitMs }: ClaimAsked, signal: AbortSignal): Promise<ClaimedTask | null> {
    const owner = this.#ownerOf(caller, from);
    if (waitMs === 0) return this.#claim(caller, owner, wish, signal);
    const untilMs = performance.now() + waitMs;
    // Begins before the first claim: what becomes claimable in between is not missed.
    using wait = this.#wakes.waiting({ ...owner, resource: caller.resource });
    // Under one key, so that a claim whose answer was lost is not made twice.
    const keyed = { ...wish, idempotency: wish.idempotency ?? { key: randomUUID(), fingerprint: 'waiting claim' } };
    for (;;) {
      const { task, error } = await tried(() => this.#claim(caller, owner, keyed, signal));
      const leftMs = untilMs - performance.now();
      if (task !== null) return task;
      if (leftMs <= 0 || signal.aborted || this.#wakes.stopped.aborted) {
        if (error === undefined) return null;
        throw error;
      }
      await wait.woken(Math.min(leftMs, this.#lookMs(owner, error)), signal);
    }
  }

  /** Takes what a worker of this node says of a task. Throws what `TaskQueue.report` and `Reach.call` throw. */
  async report(
    caller: Scope,
    from: string | undefined,
    said: { readonly id: string; readonly report: TaskReport },
    signal: AbortSignal,
  ): Promise<TaskStanding> {
    const owner = this.#ownerOf(caller, from);
    if (owner.node === null) {
      const scope = this.#here(owner, caller.resource);
      return this.#queue.report(scope, this.#worker(caller, owner), said);
    }
    const body = jsonOf({ ...said, agent: owner.agent });
    return (await this.#reach.call({ ...caller, node: owner.node, call: 'task.report', body }, signal)) as TaskStanding;
  }

  /** Claims a task of an agent of this node for a visitor. */
  claimFor(visitor: Visitor, agent: string, wish: ClaimWish): Promise<Claimed | null> {
    return this.#queue.claim(this.#here({ agent, node: null }, visitor.resource), visitingWorker(visitor), wish);
  }

  /** Takes what a visitor says of a task. */
  reportFor(
    visitor: Visitor,
    agent: string,
    said: { readonly id: string; readonly report: TaskReport },
  ): Promise<TaskStanding> {
    return this.#queue.report(this.#here({ agent, node: null }, visitor.resource), visitingWorker(visitor), said);
  }

  async #claim(caller: Scope, owner: Peer, wish: ClaimWish, signal: AbortSignal): Promise<ClaimedTask | null> {
    if (owner.node === null) {
      const scope = this.#here(owner, caller.resource);
      const task = await this.#queue.claim(scope, this.#worker(caller, owner), wish);
      return task && { ...task, from: owner.agent };
    }
    const asked = {
      ...caller,
      node: owner.node,
      call: 'task.claim',
      body: jsonOf({ ...wish, agent: owner.agent }),
    } as const;
    const task = (await this.#reach.call(asked, signal)) as Claimed | null;
    return task && { ...task, from: `${owner.agent}@${owner.node}` };
  }

  // What comes due wakes nobody, and is found by looking.
  #lookMs({ node }: Peer, error: HoldfastError | undefined): number {
    return node === null || error !== undefined || !this.#reach.hears() ? LOOK_MS : LOOK_FAR_MS;
  }

  #ownerOf(caller: Scope, from: string | undefined): Peer {
    return peerOf(from ?? caller.agent, this.#reach);
  }

  #here({ agent }: Peer, resource: string): Scope {
    this.#reach.agents.assertExists(agent);
    return { agent, resource };
  }

  #worker({ agent }: Scope, owner: Peer): Worker {
    return { name: agent, names: agent === owner.agent ? [] : namesHere(agent, this.#reach.thisNode()) };
  }
}

function visitingWorker(visitor: Visitor): Worker {
  return { name: `${visitor.agent}@${visitor.node}`, names: namesOfVisitor(visitor) };
}

/** What came of a claim: an error only if it may pass. */
async function tried(
  claim: () => Promise<ClaimedTask | null>,
): Promise<{ readonly task: ClaimedTask | null; readonly error?: HoldfastError }> {
  try {
    return { task: await claim() };
  } catch (error) {
    if (!isHoldfastError(error) || !PASSING.has(error.code)) throw error;
    return { task: null, error };
  }
}
