import { setImmediate as nextTurn } from 'node:timers/promises';

import { type NodeConfig, type Now, type Reject, type SessionAnswer, ZERO_VERSION } from '@holdfast/protocol';
import type { AgentStore } from '@holdfast/store';
import PQueue from 'p-queue';
import type { Logger } from 'pino';

import { Lane, type LaneContext } from './lane.ts';
import { Link, type LinkStatus } from './link.ts';
import type { StreamState } from './stream-machine.ts';
import type { Timers } from './timers.ts';
import type { Transport } from './transport.ts';

/** What sync needs of the daemon around it. */
export interface SyncOptions {
  readonly config: Pick<NodeConfig, 'sync.lingerMilliseconds' | 'sync.concurrency' | 'sync.heartbeatSeconds'>;
  readonly boot: string;
  readonly predecessors: () => readonly string[];
  /** The relay knows this boot now. */
  readonly confirmBoot: () => void;
  readonly agents: () => readonly string[];
  /** An agent's store, to be used at once. */
  readonly store: (agent: string) => AgentStore;
  /** The relay took changes of an agent. */
  readonly onTaken: (changes: number, rejects: readonly Reject[]) => void;
  readonly now: Now;
  readonly random: () => number;
  readonly timers: Timers;
  readonly log: Logger;
}

/** How far a write has come. */
export type Ack = 'local' | 'relay';

const NOWHERE = { seq: 0, version: ZERO_VERSION };

/** Carries every agent's stream to the relay: one link, one lane for each agent (protocol rules 2 to 10). */
export class SyncEngine {
  readonly #options: SyncOptions;
  readonly #link: Link;
  readonly #lanes = new Map<string, Lane>();
  readonly #turns: PQueue;
  readonly #laneContext: LaneContext;
  #transport: Transport | undefined;
  #isConfirmed = false;

  constructor(options: SyncOptions) {
    this.#options = options;
    const { boot, now, random, timers, log, config } = options;
    this.#turns = new PQueue({ concurrency: config['sync.concurrency'] });
    this.#link = new Link({
      boot,
      predecessors: options.predecessors,
      heartbeatMs: config['sync.heartbeatSeconds'] * 1000,
      now,
      random,
      timers,
      log,
      onOpen: (answer, askedAtMs) => void this.#release(answer, askedAtMs),
      onHold: () => this.#hold(),
    });
    this.#laneContext = {
      boot,
      lingerMs: config['sync.lingerMilliseconds'],
      now,
      random,
      timers,
      transport: () => this.#transport,
      store: options.store,
      takeTurn: (call) => void this.#turns.add(call),
      report: (outcome) => this.#link.report(outcome),
      onTaken: (agent, changes, rejects) => this.#onTaken(agent, changes, rejects),
      onError: (agent, error) => log.warn({ agent, err: error }, 'a stream could not be sent; it is tried again'),
    };
  }

  /** The link's state. */
  get link(): LinkStatus {
    return this.#link.status;
  }

  /** Begins to sync over a transport: the node belongs to a relay. */
  enrol(transport: Transport): void {
    this.#transport = transport;
    this.#link.enrol(transport);
  }

  /** The state of an agent's stream. */
  streamState(agent: string): StreamState {
    return this.#lanes.get(agent)?.state ?? 'held';
  }

  /** An agent's file has something new. Cheap: called on every commit. */
  written(agent: string): void {
    this.#lane(agent).dispatch('written');
  }

  /**
   * Waits until the relay has the change `seq` of an agent, at most `timeoutMs`; `local` when it has not by then, or
   * the link is not open. The change is safe here in either case, and on its way (protocol rule 5).
   */
  async waitForRelay(agent: string, seq: number, timeoutMs: number): Promise<Ack> {
    if (this.#link.status.state !== 'open') return 'local';
    const lane = this.#lane(agent);
    const wait = lane.whenAcked(seq);
    const { promise: timedOut, resolve } = Promise.withResolvers<Ack>();
    const disarm = this.#options.timers.after(timeoutMs, () => resolve('local'));
    const fast = lane.state === 'sending' ? this.#sendImmediately(agent, seq) : undefined;
    lane.dispatch('hurried');
    const acked = wait.acked.then((): Ack => 'relay');
    try {
      return await Promise.race([acked, timedOut, ...(fast === undefined ? [] : [fast])]);
    } finally {
      disarm();
      wait.forget();
    }
  }

  /** Stops: nothing is sent any more, and what is under way has ended. */
  async stop(): Promise<void> {
    this.#link.stop();
    await Promise.all([...this.#lanes.values()].map((lane) => lane.stop()));
    await this.#transport?.close();
  }

  // Behind a long batch, a single change takes the fast lane. It settles the wait only if the relay took it.
  #sendImmediately(agent: string, seq: number): Promise<Ack> | undefined {
    const { store, boot } = this.#options;
    const line = store(agent).outbox.line(seq);
    if (line === undefined) return undefined;
    const { incarnation } = store(agent);
    const never = new Promise<Ack>(() => undefined);
    const sent = this.#transport?.immediate({ boot, agent, incarnation }, line);
    return sent?.then((outcome): Ack | Promise<Ack> => {
      this.#link.report(outcome);
      return outcome.kind === 'done' && outcome.value.rejects.length === 0 ? 'relay' : never;
    });
  }

  #lane(agent: string): Lane {
    const known = this.#lanes.get(agent);
    if (known !== undefined) return known;
    const lane = new Lane(agent, this.#laneContext);
    this.#lanes.set(agent, lane);
    if (this.#link.status.state === 'open') lane.dispatch('released');
    return lane;
  }

  // A pause between agents keeps requests flowing while hundreds of files are looked at after a start.
  async #release(answer: SessionAnswer, askedAtMs: number): Promise<void> {
    if (!this.#isConfirmed) this.#options.confirmBoot();
    this.#isConfirmed = true;
    const cursors = new Map(answer.streams.map((stream) => [`${stream.agent}/${stream.incarnation}`, stream.cursor]));
    for (const agent of this.#options.agents()) {
      if (this.#link.status.state !== 'open') return;
      try {
        this.#releaseLane(agent, cursors, askedAtMs);
      } catch (error) {
        this.#laneContext.onError(agent, error);
      }
      await nextTurn();
    }
  }

  #releaseLane(agent: string, cursors: ReadonlyMap<string, typeof NOWHERE>, askedAtMs: number): void {
    const lane = this.#lane(agent);
    const isBusy = lane.state === 'sending' || lane.state === 'reconciling';
    if (isBusy || lane.movedAtMs >= askedAtMs) return;
    const incarnation = lane.incarnation();
    if (lane.compare(cursors.get(`${agent}/${incarnation}`) ?? NOWHERE)) lane.dispatch('released');
  }

  #hold(): void {
    for (const lane of this.#lanes.values()) lane.dispatch('held-back');
  }

  #onTaken(agent: string, changes: number, rejects: readonly Reject[]): void {
    this.#options.onTaken(changes, rejects);
    for (const { code } of rejects) this.#options.log.warn({ agent, code }, 'the relay rejected a change: see dead letters');
  }
}
