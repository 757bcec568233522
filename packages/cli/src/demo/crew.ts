import { type Holdfast, HoldfastProblem, HoldfastUnreachable } from '@holdfast/client';

import type { Ledger } from './ledger.ts';
import type { Owner } from './stored.ts';
import { pause } from './waiting.ts';
import { numbersFrom, type Role, type Write } from './workload.ts';

/** Writes one agent has under way at once. A divisor of the number of cities: lanes must not share counters. */
const LANES = 4;
const STEADY_PAUSE_MS = 40;
const RETRY_PAUSE_MS = 50;

/** An agent and its connection to its node. */
export interface Agent extends Role {
  readonly client: Holdfast;
}

/** What a crew needs. */
export interface CrewOptions {
  readonly agents: readonly Agent[];
  readonly ledger: Ledger;
  readonly signal: AbortSignal;
  /** Told when an agent met what it cannot work on with. */
  readonly onFailure: (error: unknown) => void;
}

/** A node whose agents wait, once they cannot reach it, to be told that it is back. */
interface Outage {
  readonly over: PromiseWithResolvers<void>;
  waiting: number;
  unanswered: number;
}

/** The agents at work: each writes in several lanes, keeps the ledger, and repeats what was not acknowledged. */
export class Crew {
  readonly #options: CrewOptions;
  readonly #outages = new Map<string, Outage>();
  readonly #hurried = new Set<string>();
  #lanes: readonly Promise<void>[] = [];
  #latenciesMs: number[] = [];
  #isStopping = false;

  constructor(options: CrewOptions) {
    this.#options = options;
  }

  /** Puts every agent to work. */
  begin(): void {
    this.#lanes = this.#options.agents.flatMap((agent) =>
      Array.from({ length: LANES }, (_, lane) => {
        const running = this.#runLane(agent, agent.work(numbersFrom(lane, LANES)));
        running.catch((error: unknown) => this.#options.onFailure(error));
        return running;
      }),
    );
  }

  /** Lets every agent finish the write it is at; resolves when all were acknowledged. */
  async finish(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#lanes);
  }

  /** Milliseconds each write took to be acknowledged, since this was last asked. */
  takeLatenciesMs(): readonly number[] {
    const taken = this.#latenciesMs;
    this.#latenciesMs = [];
    return taken;
  }

  /** A node's agents write without a pause from now on. */
  hurry(node: string): void {
    this.#hurried.add(node);
  }

  /** From now on a node's agents wait for `resume` once they cannot reach it. */
  expectOutage(node: string): void {
    this.#outages.set(node, { over: Promise.withResolvers<void>(), waiting: 0, unanswered: 0 });
  }

  /** Whether all of a node's agents wait; then, how many of their writes had been sent and got no answer. */
  unanswered(node: string): number | undefined {
    const outage = this.#outages.get(node);
    const lanes = LANES * this.#options.agents.filter((agent) => agent.node === node).length;
    return outage?.waiting === lanes ? outage.unanswered : undefined;
  }

  /** The node is back: its agents go on at their usual pace, first with what was not acknowledged. */
  resume(node: string): void {
    this.#hurried.delete(node);
    this.#outages.get(node)?.over.resolve();
    this.#outages.delete(node);
  }

  async #runLane(agent: Agent, work: Iterable<Write>): Promise<void> {
    for (const write of work) {
      if (this.#isStopping) return;
      this.#latenciesMs.push(await this.#writeUntilAcknowledged(agent, write));
      if (!this.#hurried.has(agent.node)) await pause(STEADY_PAUSE_MS, this.#options.signal);
    }
  }

  async #writeUntilAcknowledged(agent: Agent, write: Write): Promise<number> {
    for (;;) {
      const startedAtMs = performance.now();
      try {
        await writeOnce(agent, write, this.#options.ledger);
        return performance.now() - startedAtMs;
      } catch (error) {
        this.#options.signal.throwIfAborted();
        if (!mayPass(error)) throw error;
        await this.#waitOut(agent.node, error instanceof HoldfastUnreachable && error.outcome === 'unknown');
      }
    }
  }

  async #waitOut(node: string, isUnanswered: boolean): Promise<void> {
    const outage = this.#outages.get(node);
    if (outage === undefined) return pause(RETRY_PAUSE_MS, this.#options.signal);
    outage.waiting += 1;
    if (isUnanswered) outage.unanswered += 1;
    return outage.over.promise;
  }
}

/** Carries out one write and notes it in the ledger, before and after. */
export async function writeOnce(
  agent: Owner & { readonly client: Holdfast },
  write: Write,
  ledger: Ledger,
): Promise<void> {
  const collection = agent.client.collection(write.collection);
  ledger.sent(agent, write);
  const answer = write.op === 'put' ? await collection.put(write.id, write.doc) : await collection.delete(write.id);
  ledger.acknowledged(agent, write, answer?.version);
}

function mayPass(error: unknown): boolean {
  return error instanceof HoldfastUnreachable || (error instanceof HoldfastProblem && error.retryable);
}
