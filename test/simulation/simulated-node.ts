import { join } from 'node:path';

import {
  Agents,
  Arrivals,
  DurableChannels,
  Locks,
  NodeDatabase,
  type NodeLeases,
  Post,
  Records,
  repeatSweep,
  ReplicaFile,
  type SharedFile,
  SharedSink,
  SharedSpace,
  Subscriptions,
  SyncEngine,
  sweepRegularly,
  type Timers,
  transportOver,
  Watches,
} from '@holdfast/daemon/parts';
import {
  type Change,
  type ConfiguredSubscriptions,
  DECLARATIONS,
  HoldfastError,
  HybridClock,
  SHARED_AGENT,
  startOfBoot,
} from '@holdfast/protocol';
import { AgentFiles, type AgentStore, rowOfChange } from '@holdfast/store';
import type { Logger } from 'pino';

import { AGENTS, commitConfig, syncConfig } from './configuration.ts';
import type { SimulatedDisk } from './disk.ts';
import type { Expectations } from './expectations.ts';
import { isMessage, isOfLetters, type Key, keyOf, type Stored, type Write } from './values.ts';
import type { Calling, Surroundings } from './surroundings.ts';

/** How often expired records are swept. */
const SWEEP_MS = 20_000;

/** Below all records: also below those that came by the feed, which stand at seqs below 0. */
const BOTTOM = { seq: Number.MIN_SAFE_INTEGER, version: '' };

/** Everything is in one read: more records than a simulated agent has. */
const ALL = { changes: Number.MAX_SAFE_INTEGER, bytes: Number.MAX_SAFE_INTEGER };

/** One life of a daemon's process: the real stores and the real sync, with simulated time and network. */
export class NodeLife implements Calling {
  readonly node: string;
  readonly directory: string;
  readonly files: AgentFiles;
  readonly sync: SyncEngine;
  readonly records: Records;
  readonly arrivals: Arrivals;
  readonly post: Post;
  readonly locks: Locks;
  readonly durable: DurableChannels;
  readonly subscriptions: Subscriptions;
  isDead = false;
  /** Called once with the next commit, after it and before anybody is answered. */
  atCommit: (() => void) | undefined;
  /** Called once when records that other nodes shared are about to be kept. */
  atTake: (() => void) | undefined;
  /** Called once when letters of other nodes are about to be put into the mail. */
  atDelivery: (() => void) | undefined;
  /** Called once when a page of a subscription is about to be kept. */
  atCopying: (() => void) | undefined;
  readonly #database: NodeDatabase;
  readonly #leases: NodeLeases;
  readonly #agents: Agents;
  readonly #space: SharedSpace;
  readonly #copy: ReplicaFile;
  readonly #watches: Watches;
  readonly #ending = new AbortController();
  readonly #endSweeping: () => void;

  constructor(world: Surroundings, line: NodeLine, directory: string) {
    const { time, random } = world;
    this.node = line.node;
    this.directory = directory;
    const timers: Timers = { after: (delayMs, run) => time.after(delayMs, () => this.isDead || run()) };
    const now = (): number => line.nowMs;
    const log = world.logOf(line.label);
    const database = new NodeDatabase(join(directory, 'node.db'));
    const boot = Array.from({ length: 4 }, () =>
      random
        .integer(0, 2 ** 32 - 1)
        .toString(16)
        .padStart(8, '0'),
    ).join('');
    database.addBoot(boot);
    this.#database = database;
    this.#leases = database.openLeases(commitConfig);
    this.files = new AgentFiles({
      directory: join(directory, 'agents'),
      clock: new HybridClock(now, startOfBoot(boot)),
      now,
      commit: commitConfig,
      maxOpen: line.maxOpen,
      onCommit: (agent) => {
        this.sync.written(agent);
        this.#watches.changed(agent);
        const { atCommit } = this;
        this.atCommit = undefined;
        if (!this.isDead) atCommit?.();
      },
    });
    this.#agents = new Agents(database, now);
    this.#space = new SharedSpace({ agents: this.#agents, files: this.files, onTaken: () => this.#watches.changed() });
    this.#watches = new Watches(this.#space);
    this.arrivals = this.#makeArrivals(world, line, { database, now, timers, log });
    this.sync = new SyncEngine({
      config: syncConfig,
      boot,
      predecessors: (of) => database.predecessorsOf(of),
      agents: () => this.agents,
      store: (agent) => this.files.get(agent),
      waiting: () => undefined,
      onTaken: () => undefined,
      onSettled: () => this.arrivals.look(),
      onNotice: (notice) => world.noticed(notice),
      networkFence: () => this.#leases.networkFence,
      followed: {
        ...(line.shares && { shared: { what: 'what is shared', sink: new SharedSink(this.#followed()) } }),
        ...(line.posts && { addressed: { what: 'what is addressed', sink: this.arrivals } }),
      },
      now,
      random: () => random.next(),
      timers,
      log,
    });
    this.records = new Records({
      files: this.files,
      shared: this.#space,
      sync: this.sync,
      disk: { assertRoom: () => undefined },
      bounds: { records: 0, bytes: 0 },
    });
    this.post = new Post({
      records: this.records,
      reach: { thisNode: () => line.node, agents: this.#agents, call: notAsked, hears: () => false },
      now,
      makeId: () => world.makeId(),
    });
    this.locks = new Locks({
      node: this.#leases,
      askLock: this.sync.askLock,
      disk: { assertRoom: () => undefined },
    });
    this.durable = new DurableChannels({
      channels: toNobody(line.node),
      records: this.records,
      kept: () => 0,
      watches: this.#watches,
      now,
      makeId: () => world.makeId(),
    });
    this.#copy = new ReplicaFile({ path: line.copyPath, log });
    this.subscriptions = new Subscriptions({
      configured: line.copies ?? {},
      database,
      file: this.#copy,
      followers: this.sync.followers,
      assertRoom: () => this.#isCopying(),
      now,
      log,
    });
    if (line.copies !== undefined) this.subscriptions.begin();
    const endSweepingRecords = sweepRegularly({
      files: this.files,
      agents: () => this.agents,
      hasRelay: () => true,
      everyMs: SWEEP_MS,
      now,
      monotonicMs: () => world.time.nowMs,
      timers,
      log,
    });
    const endSweepingCopies = line.copies && repeatSweep(this.subscriptions, { everyMs: SWEEP_MS, timers });
    this.#endSweeping = () => {
      endSweepingRecords();
      endSweepingCopies?.();
    };
    this.arrivals.begin();
    this.sync.enrol(transportOver(world.exchangeFor(this), this.node));
  }

  /** Whose files it has: its agents', and that of what all nodes share, once there is one. */
  get agents(): readonly string[] {
    return this.#agents.has(SHARED_AGENT) ? [...AGENTS, SHARED_AGENT] : AGENTS;
  }

  /** Aborts when it ends, in whatever way. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  /** Nothing it does counts any more. Its files are still open: close it when nothing of it runs. */
  die(): void {
    this.isDead = true;
    this.#ending.abort();
  }

  /** Ends it in good order. */
  async stop(): Promise<void> {
    this.#endSweeping();
    await this.sync.stop();
    await this.arrivals.end();
    await this.subscriptions.stop();
    this.die();
    this.close();
  }

  /** Closes its files. */
  close(): void {
    this.files.close();
    this.#leases.close();
    this.#copy.close();
    this.#database.close();
  }

  #isCopying(): void {
    const { atCopying } = this;
    this.atCopying = undefined;
    if (!this.isDead) atCopying?.();
  }

  #followed(): SharedFile {
    const space = this.#space;
    const made = (): AgentStore => {
      const { atTake } = this;
      this.atTake = undefined;
      if (!this.isDead) atTake?.();
      return space.made();
    };
    return { found: () => space.found(), made, onTaken: (taken) => space.onTaken(taken) };
  }

  #makeArrivals(
    world: Surroundings,
    { node }: NodeLine,
    parts: {
      readonly database: NodeDatabase;
      readonly now: () => number;
      readonly timers: Timers;
      readonly log: Logger;
    },
  ): Arrivals {
    return new Arrivals({
      ...parts,
      notes: parts.database.arrivals,
      records: {
        transact: (...asked) => {
          const { atDelivery } = this;
          this.atDelivery = undefined;
          if (!this.isDead) atDelivery?.();
          return this.records.transact(...asked);
        },
      },
      agents: this.#agents,
      isSettled: (agent) => this.sync.isSettled(agent),
      onTask: () => undefined,
      count: (what, letters) => {
        if (what === 'arrived') world.operations.add('letter-arrived', letters);
        else world.violated(`${node}: ${letters} letters were refused`);
      },
    });
  }

  /** All an agent's file holds, tombstones included, but for declarations and letters. */
  held(agent: string): readonly Stored[] {
    return heldIn(this.files.get(agent)).filter((stored) => !isOfLetters(stored));
  }

  /** All an agent's file holds of letters, tombstones included: those it sent and those it got. */
  heldLetters(agent: string): readonly Stored[] {
    return heldIn(this.files.get(agent)).filter(isOfLetters);
  }

  /** All it holds of what nodes share, tombstones included, but for messages. */
  heldShared(): readonly Stored[] {
    const store = this.#space.found();
    return store === undefined ? [] : heldIn(store).filter((stored) => !isMessage(stored));
  }
}

// Those who listen now are told once at most: nothing is promised that could be judged.
function toNobody(node: string): ConstructorParameters<typeof DurableChannels>[0]['channels'] {
  return {
    publisher: (agent) => ({ node, agent }),
    reach: 'node',
    tell: async (_scope, _channel, { id }) => Promise.resolve({ id, listeners: 0, reach: 'node' }),
  };
}

// A node is asked whether it has an agent only to tell a wrong name at once: the letter goes anyway.
function notAsked(): Promise<never> {
  return Promise.reject(new HoldfastError('relay-unreachable', 'nodes do not call each other here'));
}

function heldIn(store: AgentStore): readonly Stored[] {
  const batch = store.outbox.above(BOTTOM, ALL);
  const rows = (batch?.lines ?? []).map((line) => rowOfChange(JSON.parse(line) as Change));
  return rows.filter(({ collection }) => collection !== DECLARATIONS);
}

/**
 * One line of a node's data directory: it ends and starts again, is put back, may be copied. A clone is a second line of one
 * node.
 */
export class NodeLine {
  readonly node: string;
  /** Names the line in the trace. */
  readonly label: string;
  /** How many agents' files it holds open. */
  readonly maxOpen: number;
  /** Whether it follows what nodes share. */
  readonly shares: boolean;
  /** Whether its agents send letters and get some. */
  readonly posts: boolean;
  /** What it keeps a copy of by its configuration; undefined: it keeps none. */
  readonly copies: ConfiguredSubscriptions | undefined;
  readonly expectations: Expectations;
  /** How far its clock is off, in milliseconds. */
  clockOffsetMs = 0;
  readonly #world: Surroundings;
  readonly #disk: SimulatedDisk;
  #directory: string;
  #life: NodeLife | undefined;
  /** What was asked for and not answered when the process crashed last. */
  #unanswered: readonly Write[] = [];

  constructor(
    world: Surroundings,
    disk: SimulatedDisk,
    is: {
      readonly node: string;
      readonly label: string;
      readonly maxOpen: number;
      readonly shares: boolean;
      readonly posts: boolean;
      readonly copies: ConfiguredSubscriptions | undefined;
      readonly expectations: Expectations;
    },
    directory: string,
  ) {
    this.#world = world;
    this.#disk = disk;
    this.#directory = directory;
    this.node = is.node;
    this.label = is.label;
    this.maxOpen = is.maxOpen;
    this.shares = is.shares;
    this.posts = is.posts;
    this.copies = is.copies;
    this.expectations = is.expectations;
  }

  /** Its process; undefined while none runs. */
  get life(): NodeLife | undefined {
    return this.#life;
  }

  /** What its clock shows, in milliseconds since 1970. */
  get nowMs(): number {
    return this.#world.time.nowMs + this.clockOffsetMs;
  }

  start(): void {
    this.#life = new NodeLife(this.#world, this, this.#directory);
  }

  /** Ends the process as a power cut would: what is on the disk at this moment is all there is. */
  crash(): readonly Write[] {
    const life = this.#living();
    life.die();
    this.#directory = this.#disk.copy(life.directory);
    this.#life = undefined;
    this.#unanswered = this.expectations.unanswered();
    this.#world.later(() => {
      life.close();
      this.#disk.remove(life.directory);
    });
    return this.#unanswered;
  }

  /** The keys of a batch that was not answered before the crash, if a part of it is there; undefined if there is none. */
  halfWritten(): string | undefined {
    const unanswered = this.#unanswered;
    this.#unanswered = [];
    const groups = new Set(unanswered.flatMap(({ group }) => (group === undefined ? [] : [group])));
    if (groups.size === 0) return undefined;
    const held = this.held();
    // What was asked for after it may have written over a part of it.
    const isThere = ({ key, serial }: Write): boolean =>
      unanswered.some((write) => write.key === key && write.serial >= serial && write.text === held.get(key)?.doc);
    for (const group of groups) {
      const there = group.filter(isThere);
      if (there.length > 0 && there.length < group.length) return group.map(({ key }) => key).join(', ');
    }
    return undefined;
  }

  /** Ends the process in good order. */
  async stop(): Promise<void> {
    const life = this.#living();
    await life.stop();
    this.#life = undefined;
    this.expectations.unanswered();
  }

  /** A copy of the directory as it is now. */
  backUp(): string {
    return this.#disk.copy(this.#directory);
  }

  /** Puts an older copy into the directory's place; no process may run. */
  putBack(copy: string): void {
    this.#disk.remove(this.#directory);
    this.#directory = this.#disk.copy(copy);
  }

  /** Puts an older copy of one agent's file into its place; no process may run. */
  putFileBack(copy: string, agent: string): void {
    const name = join('agents', `${agent}.db`);
    this.#disk.replace(join(this.#directory, name), join(copy, name));
  }

  /** Where an agent's file stands. Not to be touched while a process runs. */
  pathOf(agent: string): string {
    return join(this.#directory, 'agents', `${agent}.db`);
  }

  /** Where the copies of what agents of others wrote stand. */
  get copyPath(): string {
    return join(this.#directory, 'replica.db');
  }

  /** All the line holds, by key. A process must run. */
  held(): ReadonlyMap<Key, Stored> {
    const life = this.#living();
    return new Map(AGENTS.flatMap((agent) => life.held(agent).map((stored) => [keyOf(agent, stored), stored])));
  }

  /** All the line holds of letters, by key. A process must run. */
  heldLetters(): ReadonlyMap<Key, Stored> {
    const life = this.#living();
    return new Map(AGENTS.flatMap((agent) => life.heldLetters(agent).map((stored) => [keyOf(agent, stored), stored])));
  }

  /** All the line holds of what nodes share, by key. A process must run. */
  heldShared(): ReadonlyMap<Key, Stored> {
    return new Map(
      this.#living()
        .heldShared()
        .map((stored) => [keyOf(SHARED_AGENT, stored), stored]),
    );
  }

  #living(): NodeLife {
    if (this.#life === undefined) throw new Error(`${this.label} does not run`);
    return this.#life;
  }
}
