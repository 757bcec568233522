import { setImmediate as nextTurn } from 'node:timers/promises';

import {
  type Cursor,
  isHoldfastError,
  type Json,
  type NetworkRequest,
  type NodeConfig,
  type Now,
  type Reject,
  type SessionAnswer,
  SHARED_AGENT,
  type WaitingChanges,
} from '@holdfast/protocol';
import { type AgentStore, EMPTY_DIGEST, type WrittenRange } from '@holdfast/store';
import PQueue from 'p-queue';
import type { Logger } from 'pino';

import { type Ack, sendImmediately, wasTaken } from './ack.ts';
import type { NodeCall } from './call-handlers.ts';
import type { ChannelLink } from './channel-link.ts';
import type { DigestState } from './comparison.ts';
import { NOWHERE } from './cursor.ts';
import { type Followed, type FollowedName, Followers } from './followers.ts';
import { Lane } from './lane.ts';
import type { LaneContext } from './lane-context.ts';
import { askLock, type AskLock } from './lock-call.ts';
import { Link, type LinkStatus } from './link.ts';
import { NodeCalls, type NodeCallsOptions } from './node-calls.ts';
import { logNotice, type Notice, noticeText } from './notices.ts';
import { askRelay } from './relay-query.ts';
import type { StreamState } from './stream-machine.ts';
import type { Timers } from './timers.ts';
import type { RelayAnswerJson, Transport } from './transport.ts';

/** What sync needs of the daemon around it. */
export interface SyncOptions {
  readonly config: Pick<NodeConfig, 'sync.lingerMilliseconds' | 'sync.concurrency' | 'sync.heartbeatSeconds'>;
  readonly boot: string;
  /** The starts before a boot. */
  readonly predecessors: (boot: string) => readonly string[];
  readonly agents: () => readonly string[];
  /** An agent's store, to be used at once. */
  readonly store: (agent: string) => AgentStore;
  /** What waits of every agent, for the relay to tell; undefined while that is not known. */
  readonly waiting: () => WaitingChanges[] | undefined;
  /** The highest fence of the network seen here, for the relay to give higher ones; undefined: it is not told. */
  readonly networkFence?: () => number;
  /** The relay took changes of an agent. */
  readonly onTaken: (changes: number, rejects: readonly Reject[]) => void;
  /** `isSettled` holds of an agent of which it did not before. Default: nobody is told. Must not throw. */
  readonly onSettled?: () => void;
  /** Something happened to a stream that is to be counted; it is logged already. */
  readonly onNotice: (notice: Notice) => void;
  /** How the node and others call each other; undefined: they do not. */
  readonly calls?: NodeCallsOptions;
  /** What comes by the feed. Default: nothing. */
  readonly followed?: Readonly<Partial<Record<FollowedName, Followed>>>;
  /** How messages on channels go to other nodes; undefined: they do not. */
  readonly channels?: Pick<ChannelLink, 'open' | 'hold'>;
  readonly now: Now;
  readonly random: () => number;
  readonly timers: Timers;
  readonly log: Logger;
}

/** Who the node is to its relay from now on. */
export interface NewIdentity {
  /** A boot of its own, without predecessors unless `SyncOptions.predecessors` knows some. */
  readonly boot: string;
  readonly transport: Transport;
}

/** Carries every agent's stream to the relay: one link, one lane for each agent (protocol rules 2 to 10). */
export class SyncEngine {
  readonly #options: SyncOptions;
  readonly #lanes = new Map<string, Lane>();
  /** Why each agent's stream failed last. */
  readonly #errors = new Map<string, string>();
  /** What was noticed last about each agent's stream. */
  readonly #notices = new Map<string, string>();
  /** Agents of a node that has just become another one: that the relay knows none of it is no surprise. */
  #sentAnew = new Set<string>();
  readonly #turns: PQueue;
  #boot: string;
  #link: Link;
  #laneContext: LaneContext;
  #calls: NodeCalls | undefined;
  /** What comes to the node by the feed. */
  readonly followers: Followers;
  #transport: Transport | undefined;
  /** The agents of which the relay had anything, as it said last; undefined: it said nothing yet. */
  #agentsAtRelay: ReadonlySet<string> | undefined;
  #moments = 0;

  constructor(options: SyncOptions) {
    this.#options = options;
    this.#turns = new PQueue({ concurrency: options.config['sync.concurrency'] });
    this.#boot = options.boot;
    this.#link = this.#makeLink();
    this.#laneContext = this.#makeLaneContext();
    this.#calls = this.#makeCalls();
    const { followed = {}, now, random, timers, log } = options;
    this.followers = new Followers({ now, random, timers, log });
    for (const [name, part] of Object.entries(followed)) this.followers.follow(name, part);
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

  /**
   * Begins anew as another node, or as this one in another life: ends what is under way, forgets what the relay was believed
   * to hold, and opens the link with another boot and credential.
   */
  async reenrol({ boot, transport }: NewIdentity): Promise<void> {
    await this.#end();
    // Whoever wrote meanwhile made lanes of the old start: their link is gone, and they would wait for ever. None is made
    // between this and the new identity.
    const stopping = this.#stopLanes();
    this.#boot = boot;
    this.#agentsAtRelay = undefined;
    this.#sentAnew = new Set(this.#options.agents());
    this.#link = this.#makeLink();
    this.#laneContext = this.#makeLaneContext();
    this.#calls = this.#makeCalls();
    this.enrol(transport);
    await stopping;
  }

  /** Forgets an agent's stream, because its file is to be closed or replaced; nothing of it is under way any more then. */
  async forget(agent: string): Promise<void> {
    const lane = this.#lanes.get(agent);
    this.#lanes.delete(agent);
    this.#errors.delete(agent);
    this.#notices.delete(agent);
    await lane?.stop();
  }

  /** The state of an agent's stream. */
  streamState(agent: string): StreamState {
    return this.#lanes.get(agent)?.state ?? 'held';
  }

  /** Why an agent's stream waits before it is tried again; null if it does not. */
  streamError(agent: string): string | null {
    return this.streamState(agent) === 'waiting' ? (this.#errors.get(agent) ?? null) : null;
  }

  /** What the last comparison of an agent's records with the relay's said (protocol rule 12). */
  digestState(agent: string): DigestState {
    return this.#lanes.get(agent)?.digestState ?? 'unknown';
  }

  /** Whether node and relay are in contact, and were found to hold the same of an agent when they were compared last. */
  isKnownEqual(agent: string): boolean {
    const state = this.streamState(agent);
    const isSettling = state === 'held' || state === 'reconciling' || state === 'comparing';
    return this.#link.status.state === 'open' && this.digestState(agent) === 'equal' && !isSettling;
  }

  /** Whether an agent's file has all that the relay has of that agent, and is no older copy: what is written now is the latest. */
  isSettled(agent: string): boolean {
    return this.#lanes.get(agent)?.isSettled === true || this.#agentsAtRelay?.has(agent) === false;
  }

  /** What was noticed last about an agent's stream since the start; null if nothing was. */
  streamNotice(agent: string): string | null {
    return this.#notices.get(agent) ?? null;
  }

  /** An agent's file has something new. Cheap: called on every commit. */
  written(agent: string): void {
    this.#lane(agent).dispatch('written');
  }

  /**
   * Waits until the relay has what a write of an agent changed, at most `timeoutMs`; `local` when it has not by then, has
   * rejected some of it, or the link is not open and did not open just now. The write is safe here in any case (protocol
   * rule 5).
   */
  async waitForRelay(agent: string, written: WrittenRange, timeoutMs: number): Promise<Ack> {
    if (wasTaken(this.#options.store(agent), written)) return 'relay';
    const { state, error } = this.#link.status;
    const isFirstOpening = state === 'opening' && error === null;
    if (state !== 'open' && !isFirstOpening) return 'local';
    const lane = this.#lane(agent);
    const wait = lane.whenTaken(written);
    const { promise: timedOut, resolve } = Promise.withResolvers<Ack>();
    const disarm = this.#options.timers.after(timeoutMs, () => resolve('local'));
    const isBusy = lane.state === 'sending';
    const fast = isBusy
      ? sendImmediately(agent, written, { ...this.#laneContext, store: this.#options.store })
      : undefined;
    lane.dispatch('hurried');
    const taken = wait.taken.then((isTaken): Ack => (isTaken ? 'relay' : 'local'));
    try {
      return await Promise.race([taken, timedOut, ...(fast === undefined ? [] : [fast])]);
    } finally {
      disarm();
      wait.forget();
    }
  }

  /** Asks the relay a query in the node's name; see `askRelay`. */
  query(query: NetworkRequest, signal: AbortSignal): Promise<RelayAnswerJson> {
    return askRelay(query, { transport: this.#transport, link: this.#link, signal });
  }

  /** Whether other nodes can call this one through the relay now. */
  get takesCalls(): boolean {
    return this.#calls?.isTaking ?? false;
  }

  /** Asks another node through the relay, or this one without it; see `askNode`. */
  call(asked: NodeCall, signal: AbortSignal): Promise<Json> {
    if (this.#calls === undefined) throw new Error('this node was made without calls');
    return this.#calls.ask(asked, { transport: this.#transport, boot: this.#boot, link: this.#link, signal });
  }

  /** Asks the relay about locks of the network; see `askLock`. */
  readonly askLock: AskLock = (call, wish, signal) =>
    askLock(call, wish, { transport: this.#transport, boot: this.#boot, link: this.#link, signal });

  /** Stops: nothing is sent any more, and what is under way has ended. */
  async stop(): Promise<void> {
    await this.#end();
  }

  async #end(): Promise<void> {
    const transport = this.#transport;
    this.#transport = undefined;
    this.#link.stop();
    this.#options.channels?.hold();
    await Promise.all([this.#stopLanes(), this.#calls?.stop(), this.followers.stop()]);
    await transport?.close();
  }

  async #stopLanes(): Promise<void> {
    const lanes = [...this.#lanes.values()];
    this.#lanes.clear();
    await Promise.all(lanes.map((lane) => lane.stop()));
  }

  #makeLink(): Link {
    const { now, random, timers, log, config, predecessors, waiting, networkFence } = this.#options;
    const boot = this.#boot;
    return new Link({
      boot,
      predecessors: () => predecessors(boot),
      waiting,
      networkFence,
      heartbeatMs: config['sync.heartbeatSeconds'] * 1000,
      now,
      moment: () => this.#moment(),
      random,
      timers,
      log,
      onOpen: (answer, askedAt) => {
        this.#listen();
        void this.#release(answer, askedAt);
      },
      onHold: () => this.#hold(),
    });
  }

  #makeCalls(): NodeCalls | undefined {
    const { calls, random, timers, log } = this.#options;
    return calls && new NodeCalls(calls, { random, timers, log });
  }

  #listen(): void {
    if (this.#transport === undefined) return;
    const source = { boot: this.#boot, transport: this.#transport, link: this.#link };
    this.#calls?.open(source);
    this.followers.open(source);
    this.#options.channels?.open(source);
  }

  #makeLaneContext(): LaneContext {
    const { config, random, timers, store } = this.#options;
    const link = this.#link;
    return {
      boot: this.#boot,
      lingerMs: config['sync.lingerMilliseconds'],
      moment: () => this.#moment(),
      random,
      timers,
      transport: () => this.#transport,
      store,
      takeTurn: (call) => void this.#turns.add(call),
      report: (outcome) => link.report(outcome),
      onTaken: (agent, changes, rejects) => this.#onTaken(agent, changes, rejects),
      onSettled: () => this.#options.onSettled?.(),
      onNotice: (agent, notice) => this.#onNotice(agent, notice),
      onError: (agent, error) => this.#onError(agent, error),
    };
  }

  #moment(): number {
    return (this.#moments += 1);
  }

  #lane(agent: string): Lane {
    const known = this.#lanes.get(agent);
    if (known !== undefined) return known;
    const lane = this.#makeLane(agent);
    // An agent made after the session was opened: the relay's answer to its first batch tells where it stands.
    if (this.#link.status.state === 'open') lane.dispatch('released');
    return lane;
  }

  #makeLane(agent: string): Lane {
    const lane = new Lane(agent, this.#laneContext);
    this.#lanes.set(agent, lane);
    return lane;
  }

  // A pause between agents keeps requests flowing while hundreds of files are looked at after a start.
  async #release(answer: SessionAnswer, askedAt: number): Promise<void> {
    const link = this.#link;
    const standing = standingOf(answer);
    this.#agentsAtRelay = new Set(standing.digests.keys());
    this.#options.onSettled?.();
    for (const agent of this.#options.agents()) {
      if (this.#link !== link || link.status.state !== 'open') return;
      try {
        this.#releaseLane(agent, standing, askedAt);
      } catch (error) {
        this.#onError(agent, error);
      }
      await nextTurn();
    }
  }

  #releaseLane(agent: string, { cursors, digests }: Standing, askedAt: number): void {
    const lane = this.#lanes.get(agent) ?? this.#makeLane(agent);
    if (lane.state === 'sending' || lane.state === 'reconciling' || lane.state === 'comparing') return;
    const hasMovedSince = lane.movedAt > askedAt;
    const isAgreed = hasMovedSince || lane.compare(cursors.get(`${agent}/${lane.incarnation()}`) ?? NOWHERE);
    if (!isAgreed) return;
    this.#sentAnew.delete(agent);
    // What all nodes share is compared with no node's records: each has those of the others too.
    if (hasMovedSince || agent === SHARED_AGENT || !lane.compareDigest(digests.get(agent) ?? EMPTY_DIGEST))
      lane.dispatch('released');
  }

  #hold(): void {
    this.#calls?.hold();
    this.followers.hold();
    this.#options.channels?.hold();
    for (const lane of this.#lanes.values()) lane.dispatch('held-back');
  }

  #onError(agent: string, error: unknown): void {
    this.#errors.set(agent, reasonOf(error));
    this.#options.log.warn({ agent, err: error }, 'a stream could not be sent; it is tried again');
  }

  #onNotice(agent: string, notice: Notice): void {
    if (notice.kind === 'rewound' && this.#sentAnew.delete(agent)) return;
    this.#notices.set(agent, noticeText(notice));
    logNotice(this.#options.log, agent, notice);
    this.#options.onNotice(notice);
  }

  #onTaken(agent: string, changes: number, rejects: readonly Reject[]): void {
    this.#options.onTaken(changes, rejects);
    for (const { code } of rejects)
      this.#options.log.warn({ agent, code }, 'the relay rejected a change: see dead letters');
  }
}

/** Where the relay stands in every stream, and what it holds of every agent. */
interface Standing {
  readonly cursors: ReadonlyMap<string, Cursor>;
  readonly digests: ReadonlyMap<string, string>;
}

function standingOf({ streams }: SessionAnswer): Standing {
  return {
    cursors: new Map(streams.map(({ agent, incarnation, cursor }) => [`${agent}/${incarnation}`, cursor])),
    digests: new Map(streams.map(({ agent, digest }) => [agent, digest])),
  };
}

// A bug's own words are for the log: they may quote anything.
function reasonOf(error: unknown): string {
  if (typeof error === 'string') return error;
  return isHoldfastError(error) ? error.message : 'something failed on this node: see its log';
}
