import { join } from 'node:path';

import type { RelayAnswer, RelayCall } from '@holdfast/daemon/parts';
import { SqliteRelayStore } from '@holdfast/relay';
import { type CopyPart, misfit, nodeDesk, type Noted } from '@holdfast/relay/parts';
import { DECLARATIONS, SHARED_AGENT } from '@holdfast/protocol';

import { AGENTS, COLLECTION, commitConfig, LEASE_SECONDS } from './configuration.ts';
import type { SimulatedDisk } from './disk.ts';
import { answerCall, routeOf } from './node-routes.ts';
import { Speakers } from './speakers.ts';
import { isMessage, isOfLetters, type Key, keyOf, type Stored } from './values.ts';
import type { Surroundings } from './surroundings.ts';

/** More records than there are in a world. */
const ALL = 1_000_000;

/** What stands beside the database, and is no part of backups. */
const FENCES = 'relay.fence';
/** Records in a page of a subscription at most. */
const PAGE_RECORDS = 4;

/** One life of the relay's process. */
interface Life {
  readonly store: SqliteRelayStore;
  readonly desk: ReturnType<typeof nodeDesk>;
  /** Ends what still waits for an answer. */
  readonly ending: AbortController;
}

/** The relay of a simulated world: the real store and the real handlers, over files that can be copied and put back. */
export class SimulatedRelay {
  /** How far its clock is off, in milliseconds. */
  clockOffsetMs = 0;
  /** How often an older copy of its database was put back. */
  timesPutBack = 0;
  readonly #world: Surroundings;
  readonly #disk: SimulatedDisk;
  readonly #speakers = new Speakers();
  #directory: string;
  #life: Life | undefined;
  /** What stands beside the database, and is not put back with it. */
  #noted: Noted | undefined;

  constructor(world: Surroundings, disk: SimulatedDisk, directory: string) {
    this.#world = world;
    this.#disk = disk;
    this.#directory = directory;
  }

  /** Whether it serves. */
  get isUp(): boolean {
    return this.#life !== undefined;
  }

  /** What tells this life of its process from the others. */
  get life(): object | undefined {
    return this.#life;
  }

  /** Its clock. */
  readonly now = (): number => this.#world.time.nowMs + this.clockOffsetMs;

  /** Where its database stands. Not to be touched while it is up. */
  get databasePath(): string {
    return join(this.#directory, 'relay.db');
  }

  start(): void {
    const store = new SqliteRelayStore(this.databasePath, commitConfig);
    const log = this.#world.logOf('relay');
    const alarm = this.#world.time.after.bind(this.#world.time);
    const desk = nodeDesk({
      store,
      leaseSeconds: LEASE_SECONDS,
      now: this.now,
      sharedCollections: [COLLECTION],
      alarm,
      log,
    });
    this.#life = { store, desk, ending: new AbortController() };
    if (misfit(this.#noted, store) !== undefined) this.#world.watch(store.renewEpoch());
  }

  /** Ends it as a power cut would: what is on the disk at this moment is all there is. */
  crash(): void {
    const life = this.#end();
    const directory = this.#directory;
    this.#directory = this.#disk.copy(directory);
    this.#world.later(async () => {
      await life.store.close();
      this.#disk.remove(directory);
    });
  }

  /** Ends it in good order. */
  async stop(): Promise<void> {
    const life = this.#end();
    await this.#world.time.quiet();
    await life.store.close();
  }

  /** A copy of its database as it is now. */
  backUp(): string {
    return this.#disk.copy(this.#directory);
  }

  /** Puts an older copy into its place; it must not be up. `keepsFences`: what stands beside the database of its fences stays as it is. */
  putBack(copy: string, { keepsFences }: { readonly keepsFences: boolean }): void {
    const directory = this.#disk.copy(copy);
    if (keepsFences) this.#disk.replace(join(directory, FENCES), join(this.#directory, FENCES));
    this.#disk.remove(this.#directory);
    this.#directory = directory;
    this.timesPutBack += 1;
    this.#speakers.forget();
  }

  /** Answers a call; undefined when it died meanwhile. */
  async answer(node: string, call: RelayCall, body: string): Promise<RelayAnswer | undefined> {
    const life = this.#life;
    if (life === undefined) return undefined;
    const boot = this.#noteAsked(call, body);
    const nowMs = this.now();
    const answer = await answerCall(life.desk, { node, signal: life.ending.signal }, withShortPages(call), body);
    if (boot !== undefined) this.#noteAnswered(node, boot, nowMs, answer);
    return life === this.#life ? answer : undefined;
  }

  /** All it holds of a node, tombstones included, but for declarations and letters, by key. */
  async held(node: string): Promise<ReadonlyMap<Key, Stored>> {
    return this.#heldOf(node, (row) => row.collection !== DECLARATIONS && !isOfLetters(row));
  }

  /** All it holds of the letters of a node's agents, those they sent and those they got, by key. */
  async heldLetters(node: string): Promise<ReadonlyMap<Key, Stored>> {
    return this.#heldOf(node, isOfLetters);
  }

  async #heldOf(node: string, isWanted: (row: Stored) => boolean): Promise<ReadonlyMap<Key, Stored>> {
    const held = new Map<Key, Stored>();
    for (const agent of AGENTS) {
      for (let after: string | null | undefined; after !== null;) {
        const { rows, next }: CopyPart = await this.store.copyPage(node, agent, { after });
        for (const row of rows) if (isWanted(row)) held.set(keyOf(agent, row), row);
        after = next;
      }
    }
    return held;
  }

  /** All it holds of what nodes share, tombstones included, but for messages, by key. */
  async heldShared(): Promise<ReadonlyMap<Key, Stored>> {
    const { feed } = this.store;
    const held = new Map<Key, Stored>();
    for (let after = 0, more = true; more;) {
      const part = await feed.part({ agents: [SHARED_AGENT], limit: ALL }, after);
      for (const row of part.rows) if (!isMessage(row)) held.set(keyOf(SHARED_AGENT, row), row);
      ({ position: after, more } = part);
    }
    return held;
  }

  /** The digests it keeps of a node's agents. */
  async digests(node: string): Promise<readonly { readonly agent: string; readonly digest: string }[]> {
    const digests = [];
    for (const agent of AGENTS) digests.push({ agent, digest: (await this.store.buckets(node, agent)).digest });
    return digests;
  }

  /** The store, for what operators and timers do. */
  get store(): SqliteRelayStore {
    return this.#living().store;
  }

  #living(): Life {
    if (this.#life === undefined) throw new Error('the relay is not up');
    return this.#life;
  }

  #end(): Life {
    const life = this.#living();
    this.#life = undefined;
    this.#noted = { epoch: life.store.epoch, position: life.store.position };
    life.ending.abort();
    return life;
  }

  #noteAsked(call: RelayCall, body: string): string | undefined {
    if (call.method !== 'POST') return undefined;
    try {
      const { boot, predecessors } = JSON.parse(body.split('\n', 1)[0] ?? '') as {
        boot: string;
        predecessors?: string[];
      };
      if (routeOf(call) === 'session' && predecessors !== undefined) this.#speakers.asks(boot, predecessors);
      return boot;
    } catch {
      return undefined;
    }
  }

  #noteAnswered(node: string, boot: string, nowMs: number, answer: RelayAnswer): void {
    if (answer.status === 200) {
      const wrong = this.#speakers.letIn(node, boot, nowMs);
      if (wrong !== undefined) this.#world.violated(wrong);
    } else if (answer.text.includes('"node-cloned"')) {
      this.#speakers.keptOut(node, nowMs);
    }
  }
}

// A subscription is read in several pages, so that something comes between them.
function withShortPages(call: RelayCall): RelayCall {
  return call.path.includes('declarations=true') ? { ...call, path: `${call.path}&limit=${PAGE_RECORDS}` } : call;
}
