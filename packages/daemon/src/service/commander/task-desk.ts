import type { ClaimedTask, TaskReport, TaskStanding } from '@holdfast/protocol';

import type { Scope } from '../records.ts';
import { jsonOf, namesHere, namesOfVisitor, type Peer, peerOf, type Reach, type Visitor } from './peer.ts';
import type { Claimed, ClaimWish, TaskQueue, Worker } from './task-queue.ts';

/** Brings workers and tasks together: on this node, and through the relay from node to node. */
export class TaskDesk {
  readonly #queue: TaskQueue;
  readonly #reach: Reach;

  constructor(queue: TaskQueue, reach: Reach) {
    this.#queue = queue;
    this.#reach = reach;
  }

  /** Claims a task for an agent of this node. Throws `agent-not-found`, what `TaskQueue.claim` and `Reach.call` throw. */
  async claim(
    caller: Scope,
    from: string | undefined,
    wish: ClaimWish,
    signal: AbortSignal,
  ): Promise<ClaimedTask | null> {
    const owner = this.#ownerOf(caller, from);
    if (owner.node === null) {
      const scope = this.#here(owner, caller.resource);
      const task = await this.#queue.claim(scope, this.#worker(caller, owner), wish);
      return task && { ...task, from: owner.agent };
    }
    const body = jsonOf({ ...wish, agent: owner.agent });
    const task = (await this.#reach.call(
      { ...caller, node: owner.node, call: 'task.claim', body },
      signal,
    )) as Claimed | null;
    return task && { ...task, from: `${owner.agent}@${owner.node}` };
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
