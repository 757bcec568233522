import { setImmediate as nextTurn } from 'node:timers/promises';

import {
  isHoldfastError,
  type NodeConfig,
  type Now,
  type Reject,
  type SessionAnswer,
  ZERO_VERSION,
} from '@holdfast/protocol';
import type { AgentStore } from '@holdfast/store';
import PQueue from 'p-queue';
import type { Logger } from 'pino';

import { Lane, type LaneContext, type SeqRange } from './lane.ts';
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
  /** Why each agent's stream failed last. */
  readonly #errors = new Map<string, string>();
  readonly #turns: PQueue;
  readonly #laneContext: LaneContext;
  #transport: Transport | undefined;
  #isConfirmed = false;
  #moments = 0;

  constructor(options: SyncOptions) {
    this.#options = options;
    const { boot, now, random, timers, log, config } = options;
    const moment = (): number => (this.#moments += 1);
    this.#turns = new PQueue({ concurrency: config['sync.concurrency'] });
    this.#link = new Link({
      boot,
      predecessors: options.predecessors,
      heartbeatMs: config['sync.heartbeatSeconds'] * 1000,
      now,
      moment,
      random,
      timers,
      log,
      onOpen: (answer, askedAt) => void this.#release(answer, askedAt),
      onHold: () => this.#hold(),
    });
    this.#laneContext = {
      boot,
      lingerMs: config['sync.lingerMilliseconds'],
      moment,
      random,
      timers,
      transport: () => this.#transport,
      store: options.store,
      takeTurn: (call) => void this.#turns.add(call),
      report: (outcome) => this.#link.report(outcome),
      onTaken: (agent, changes, rejects) => this.#onTaken(agent, changes, rejects),
      onError: (agent, error) => {
        this.#errors.set(agent, reasonOf(error));
        log.warn({ agent, err: error }, 'a stream could not be sent; it is tried again');
      },
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

  /** Why an agent's stream waits before it is tried again; null if it does not. */
  streamError(agent: string): string | null {
    return this.streamState(agent) === 'waiting' ? (this.#errors.get(agent) ?? null) : null;
  }

  /** An agent's file has something new. Cheap: called on every commit. */
  written(agent: string): void {
    this.#lane(agent).dispatch('written');
  }

  /**
   * Waits until the relay has what a write of an agent changed, at most `timeoutMs`; `local` when it has not by then, has
   * rejected some of it, or the link is not open. The write is safe here in any case (protocol rule 5).
   */
  async waitForRelay(agent: string, seqs: SeqRange, timeoutMs: number): Promise<Ack> {
    if (this.#wasTaken(agent, seqs)) return 'relay';
    if (this.#link.status.state !== 'open') return 'local';
    const lane = this.#lane(agent);
    const wait = lane.whenTaken(seqs);
    const { promise: timedOut, resolve } = Promise.withResolvers<Ack>();
    const disarm = this.#options.timers.after(timeoutMs, () => resolve('local'));
    const isSingle = seqs.first === seqs.last;
    const fast = lane.state === 'sending' && isSingle ? this.#sendImmediately(agent, seqs.last) : undefined;
    lane.dispatch('hurried');
    const taken = wait.taken.then((isTaken): Ack => (isTaken ? 'relay' : 'local'));
    try {
      return await Promise.race([taken, timedOut, ...(fast === undefined ? [] : [fast])]);
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

  // So it is when a request is repeated under its idempotency key.
  #wasTaken(agent: string, { first, last }: SeqRange): boolean {
    const { counters, outbox } = this.#options.store(agent);
    return counters.acked.seq >= last && outbox.deadLetters().every(({ seq }) => seq < first || seq > last);
  }

  // Behind a long batch, a single change takes the fast lane. It settles the wait only if the relay answered.
  #sendImmediately(agent: string, seq: number): Promise<Ack> | undefined {
    const { store, boot } = this.#options;
    const line = store(agent).outbox.line(seq);
    if (line === undefined) return undefined;
    const { incarnation } = store(agent);
    const never = new Promise<Ack>(() => undefined);
    const sent = this.#transport?.immediate({ boot, agent, incarnation }, line);
    return sent?.then((outcome): Ack | Promise<Ack> => {
      this.#link.report(outcome);
      if (outcome.kind !== 'done') return never;
      return outcome.value.rejects.length === 0 ? 'relay' : 'local';
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
  async #release(answer: SessionAnswer, askedAt: number): Promise<void> {
    this.#confirmBoot();
    const cursors = new Map(answer.streams.map((stream) => [`${stream.agent}/${stream.incarnation}`, stream.cursor]));
    for (const agent of this.#options.agents()) {
      if (this.#link.status.state !== 'open') return;
      try {
        this.#releaseLane(agent, cursors, askedAt);
      } catch (error) {
        this.#laneContext.onError(agent, error);
      }
      await nextTurn();
    }
  }

  // Unconfirmed, the starts before this one are told again next time: a full disk need not stop the sync.
  #confirmBoot(): void {
    if (this.#isConfirmed) return;
    try {
      this.#options.confirmBoot();
      this.#isConfirmed = true;
    } catch (error) {
      this.#options.log.warn({ err: error }, 'the session could not be noted; tried again when it is renewed');
    }
  }

  #releaseLane(agent: string, cursors: ReadonlyMap<string, typeof NOWHERE>, askedAt: number): void {
    const lane = this.#lane(agent);
    if (lane.state === 'sending' || lane.state === 'reconciling') return;
    const hasMovedSince = lane.movedAt > askedAt;
    const isAgreed = hasMovedSince || lane.compare(cursors.get(`${agent}/${lane.incarnation()}`) ?? NOWHERE);
    if (isAgreed) lane.dispatch('released');
  }

  #hold(): void {
    for (const lane of this.#lanes.values()) lane.dispatch('held-back');
  }

  #onTaken(agent: string, changes: number, rejects: readonly Reject[]): void {
    this.#options.onTaken(changes, rejects);
    for (const { code } of rejects)
      this.#options.log.warn({ agent, code }, 'the relay rejected a change: see dead letters');
  }
}

// A bug's own words are for the log: they may quote anything.
function reasonOf(error: unknown): string {
  if (typeof error === 'string') return error;
  return isHoldfastError(error) ? error.message : 'something failed on this node: see its log';
}
