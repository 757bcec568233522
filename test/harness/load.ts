import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';

import { HoldfastProblem, HoldfastUnreachable } from '@holdfast/client';
import { seededRandom } from '@holdfast/testkit';

import { Lane, type Write } from './lane.ts';
import type { Ledger } from './ledger.ts';
import type { Agent } from './network.ts';

/** Refusals given before anything is done. */
const NOTHING_DONE: ReadonlySet<string> = new Set(['shutting-down', 'queue-full']);

/** Who writes, how, and who keeps the books. */
export interface LoadOptions {
  readonly agents: readonly Agent[];
  readonly ledger: Ledger;
  /** The same seed gives each lane the same work. */
  readonly seed: number;
  /** Writers of each agent, each with records of its own. Default 2. */
  readonly lanes?: number;
  /** Begins the names of the lanes: loads of the same agents need different ones. Default `l`. */
  readonly lanePrefix?: string;
  /** Longest rest between two writes of a lane. Default none. */
  readonly restMs?: number;
}

/**
 * Agents at work: puts, patches, deletes, creates, key-value pairs, atomic batches and streams, all of it noted. With
 * `using`, a test that fails leaves nobody at work.
 */
export class Load implements Disposable {
  readonly #options: LoadOptions;
  readonly #running: Promise<void>;
  readonly #abandoned: PromiseWithResolvers<void> = Promise.withResolvers<void>();
  #isEnding = false;
  #isAbandoned = false;

  /** Begins at once. */
  constructor(options: LoadOptions) {
    this.#options = options;
    const { agents, ledger, seed, lanes = 2, lanePrefix = 'l' } = options;
    const made = agents.flatMap((agent, at) =>
      Array.from({ length: lanes }, (_, number) => {
        const random = seededRandom(seed + at * lanes + number);
        return this.#run(agent, new Lane({ agent, ledger, random, name: `${lanePrefix}${number}` }));
      }),
    );
    this.#running = Promise.all(made).then(() => undefined);
    // `finish` and `during` tell; until one is called, a failure is no crash of the test.
    this.#running.catch(() => undefined);
  }

  /** Waits for something while the agents work; rejects as soon as one of them fails. */
  during<Result>(event: Promise<Result>): Promise<Result> {
    const ended = this.#running.then((): never => {
      throw new Error('the load ended early');
    });
    return Promise.race([event, ended]);
  }

  /** Lets each lane finish what it is at; the nodes must be up for it. Rejects with what a lane failed with. */
  async finish(): Promise<void> {
    this.#isEnding = true;
    await this.#running;
  }

  /** Ends every lane, whatever it waits for. */
  [Symbol.dispose](): void {
    this.#isEnding = true;
    this.#isAbandoned = true;
    this.#abandoned.resolve();
  }

  async #run(agent: Agent, lane: Lane): Promise<void> {
    const { restMs = 0 } = this.#options;
    while (!this.#isEnding) {
      await this.#untilUp(agent);
      await this.#carryOut(agent, lane.next());
      if (restMs > 0) await pause(lane.random.integer(0, restMs));
    }
  }

  async #carryOut(agent: Agent, write: Write): Promise<void> {
    while (!this.#isAbandoned) {
      const outcome = await this.#try(write);
      if (outcome === 'answered') return;
      if (outcome === 'refused') write.refused();
      else write.doubted();
      if (!write.mustBeRepeated) return;
      await this.#untilUp(agent);
    }
  }

  async #untilUp(agent: Agent): Promise<void> {
    await Promise.race([agent.whenUp(), this.#abandoned.promise]);
    // A node that refuses everything at once must not keep the rest of this process from its turn.
    await nextTurn();
  }

  async #try(write: Write): Promise<'answered' | 'refused' | 'unknown'> {
    try {
      await write.send();
      return 'answered';
    } catch (error) {
      if (error instanceof HoldfastProblem && NOTHING_DONE.has(error.code)) return 'refused';
      if (!(error instanceof HoldfastUnreachable)) throw error;
      if (error.outcome === 'not-sent') return 'refused';
      this.#options.ledger.noteUnanswered();
      return 'unknown';
    }
  }
}
