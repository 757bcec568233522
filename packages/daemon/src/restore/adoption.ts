import { HoldfastError, type Now } from '@holdfast/protocol';
import type { Logger } from 'pino';

import type { Agents } from '../service/agents.ts';
import { type JoiningOptions, joinRelay } from '../service/joining.ts';
import type { NodeDatabase } from '../storage/node-database.ts';
import type { Timers } from '../sync/timers.ts';
import type { RelayAccess } from './context.ts';
import { unreachable } from './relay-copy.ts';
import { ADOPTED, type Restores } from './restores.ts';

/** How long to wait before the relay is asked again which agents there are. */
const RETRY_MS = 5000;

/** What taking over a node needs. */
export interface AdoptionOptions {
  readonly database: NodeDatabase;
  readonly agents: Agents;
  readonly restores: Restores;
  readonly joining: JoiningOptions;
  readonly relay: () => RelayAccess | undefined;
  readonly now: Now;
  readonly timers: Timers;
  readonly log: Logger;
}

/**
 * Takes over a node whose machine is gone: becomes it at the relay, and restores its agents from there. That it is to be
 * done is noted with the enrolment, and each agent with what it is restored from, so that a crash at any step is carried
 * on from at the next start.
 */
export class Adoption {
  readonly #options: AdoptionOptions;
  #disarm: () => void = () => undefined;
  #isStopped = false;

  constructor(options: AdoptionOptions) {
    this.#options = options;
  }

  /**
   * Joins with a token made to replace the node, and begins to restore its agents; returns their names. Throws
   * `agent-exists` when this node has agents of its own, what `joinRelay` throws, and `relay-unreachable` when the relay took
   * the node in and then did not say which agents there are: it is asked again until it does.
   */
  async adopt(target: { readonly relay: string; readonly token: string; readonly name: string }): Promise<string[]> {
    const { agents, joining } = this.#options;
    if (agents.names.length > 0) {
      throw new HoldfastError('agent-exists', 'this node has agents of its own: adopt with one that has none');
    }
    await joinRelay(joining, { ...target, isAdopting: true });
    try {
      return await this.#takeOver();
    } catch (error) {
      this.#askLater();
      throw error;
    }
  }

  /** Goes on where a crash or a stop interrupted it. */
  resume(): void {
    if (this.#options.database.isAdopting) this.#takeOverOrAskLater();
  }

  /** Asks no more. */
  stop(): void {
    this.#isStopped = true;
    this.#disarm();
  }

  async #takeOver(): Promise<string[]> {
    const { agents, restores, now } = this.#options;
    const names = await this.#askAgents();
    if (this.#isStopped) return [];
    agents.adopt(names, now(), ADOPTED);
    for (const name of names) restores.beginAdopted(name);
    return names;
  }

  async #askAgents(): Promise<string[]> {
    const { database, relay } = this.#options;
    const access = relay();
    if (access === undefined) throw new HoldfastError('not-enrolled', 'there is no relay to restore from');
    const { transport, boot } = access;
    try {
      const outcome = await transport.session({ boot, predecessors: database.predecessorsOf(boot) });
      if (outcome.kind !== 'done') throw unreachable(outcome);
      return [...new Set(outcome.value.streams.map(({ agent }) => agent))].toSorted();
    } finally {
      await transport.close();
    }
  }

  #takeOverOrAskLater(): void {
    this.#takeOver().catch((error: unknown) => {
      this.#options.log.warn({ err: error }, 'the agents to be taken over are not known yet; the relay is asked again');
      this.#askLater();
    });
  }

  #askLater(): void {
    if (this.#isStopped) return;
    this.#disarm = this.#options.timers.after(RETRY_MS, () => this.#takeOverOrAskLater());
  }
}
