import { CONTEXT, type Document, isHoldfastError, SHARED_AGENT } from '@holdfast/protocol';
import type { Precondition, StoreOperation } from '@holdfast/store';
import { seededRandom, type SeededRandom } from '@holdfast/testkit';

import { AGENTS } from './configuration.ts';
import { crashAfterTurns } from './crash-after-turns.ts';
import { whileRelayRemoves } from './letter-places.ts';
import type { SharedPromises, SharedWrite } from './shared-promises.ts';
import type { NodeLife, NodeLine } from './simulated-node.ts';
import { keyOf } from './values.ts';
import type { World } from './world.ts';
import { FAR_FUTURE_MS } from './writer.ts';

const ACK_TIMEOUT_MS = 20_000;
/** Records the relay removes at once when they have expired. */
const SWEPT_RECORDS = 100;

/** How often something of each kind is done in a step. */
const SHARES = { writes: 0.6, sweeps: 0.04, partitions: 0.01, crashes: 0.04 };

/** A node ends at most so many turns of its process after it began to keep what others shared: before, between and after its commits. */
const MOST_TURNS = 3;

/** A write, and where it is asked for. */
interface Planned {
  readonly resource: string;
  readonly write: SharedWrite;
  readonly operation: StoreOperation;
}

/**
 * What agents of all nodes share: few records, so that they write the same ones; the relay removes what has expired; and nodes are cut
 * off for long. It has a source of randomness of its own, so that all other worlds are what they were without it.
 */
export class Sharing {
  readonly #world: World;
  readonly #random: SeededRandom;
  /** Versions that were acknowledged anywhere, the latest of each key: most are old on most nodes. */
  readonly #known = new Map<string, string>();

  constructor(world: World) {
    this.#world = world;
    this.#random = seededRandom(world.seed + 2_000_000_033);
  }

  /** Shares something, perhaps. */
  async maybe(): Promise<void> {
    const { shared } = this.#world;
    if (shared === undefined) return;
    if (this.#random.next() < SHARES.writes) this.#writeSome(shared);
    if (this.#random.next() < SHARES.sweeps) await this.#sweepRelay();
    if (this.#random.next() < SHARES.partitions) this.#cutOffForLong();
    if (this.#random.next() < SHARES.crashes) this.#crashInTake();
  }

  // Mostly on one node; sometimes on all at once.
  #writeSome(shared: SharedPromises): void {
    const running = this.#world.lines.filter(({ life }) => life !== undefined);
    if (running.length === 0) return;
    const lines = this.#random.next() < 0.2 ? running : [this.#random.pick(running)];
    for (const line of lines)
      for (let left = this.#random.integer(1, 2); left > 0; left -= 1)
        if (line.life !== undefined) this.#write(shared, line, line.life);
  }

  #write(shared: SharedPromises, line: NodeLine, life: NodeLife): void {
    const { resource, write, operation } = this.#plan(shared, line, life);
    const waitsForRelay = this.#random.next() < 0.3;
    const { kind, key, serial } = write;
    const condition = operation.precondition === undefined ? '' : ` if ${operation.precondition.kind}`;
    this.#world.note(
      line.label,
      `shares ${kind} ${key} #${serial}${condition}${waitsForRelay ? ' for the relay' : ''}`,
    );
    const before = this.#world.relay.timesPutBack;
    const answer = life.records.write(
      { agent: this.#random.pick(AGENTS), resource },
      { operations: [operation] },
      { ack: waitsForRelay ? 'relay' : 'local', timeoutMs: ACK_TIMEOUT_MS },
    );
    const answered = answer.then(
      async ({ results: [result], ack }) => {
        if (life.isDead || result === undefined) return;
        shared.keep(write, result.version);
        this.#known.set(key, result.version);
        if (ack === 'relay' && before === this.#world.relay.timesPutBack)
          await this.#assertOnRelay(write, result.version);
      },
      (error: unknown) => {
        if (life.isDead) return;
        const isRefused = isHoldfastError(error, 'record-not-found') || isHoldfastError(error, 'precondition-failed');
        if (!isRefused) throw error;
        this.#world.note(line.label, `#${serial} was refused`);
        shared.refused(write);
      },
    );
    this.#world.watch(answered);
  }

  #plan(shared: SharedPromises, line: NodeLine, life: NodeLife): Planned {
    const prefix = this.#random.pick(['kept', 'kept', 'kept', 'kept', 'short', 'long']);
    const target = {
      resource: this.#random.pick(['', 'app:u']),
      collection: CONTEXT,
      id: `${prefix}-${this.#random.integer(0, prefix === 'kept' ? 1 : 0)}`,
    };
    const kind = this.#random.pick(['put', 'put', 'put', 'patch', 'patch', 'delete'] as const);
    const write = shared.ask({ key: keyOf(SHARED_AGENT, target), kind, atMs: line.nowMs });
    const { serial: n, key } = write;
    const precondition = this.#condition(life, target, key);
    const base = { collection: CONTEXT, id: target.id, ...(precondition !== undefined && { precondition }) };
    const operation: StoreOperation =
      kind === 'delete'
        ? { ...base, op: 'delete' }
        : kind === 'patch'
          ? { ...base, op: 'patch', patch: documentOf({ n }) }
          : { ...base, op: 'put', document: documentOf({ n, put: n }), expiresAtMs: this.#expiry(prefix, line) };
    return { resource: target.resource, write, operation };
  }

  #expiry(prefix: string, { nowMs }: NodeLine): number | null {
    if (prefix === 'kept') return null;
    return prefix === 'long' ? FAR_FUTURE_MS : nowMs + this.#random.integer(1_000, 600_000);
  }

  /** What a caller read before on this node, or somebody on another one. */
  #condition(
    life: NodeLife,
    { resource, collection, id }: { readonly resource: string; readonly collection: string; readonly id: string },
    key: string,
  ): Precondition | undefined {
    const drawn = this.#random.next();
    if (drawn < 0.6) return undefined;
    const mine = life
      .heldShared()
      .find((stored) => stored.resource === resource && stored.collection === collection && stored.id === id);
    const version = drawn < 0.8 ? mine?.version : this.#known.get(key);
    return version === undefined ? { kind: 'absent' } : { kind: 'version', version };
  }

  /** The caller was told that the relay has it. */
  async #assertOnRelay({ key, serial }: SharedWrite, version: string): Promise<void> {
    const { relay } = this.#world;
    if (!relay.isUp || key.includes(' short-')) return;
    const held = await relay.heldShared();
    if ((held.get(key)?.version ?? '') >= version) return;
    this.#world.violated(`${key} #${serial} was acknowledged as on the relay and is not there`);
  }

  async #sweepRelay(): Promise<void> {
    const { relay } = this.#world;
    await this.#world.settle();
    if (!relay.isUp) return;
    await whileRelayRemoves(this.#world, async () => {
      const removed = await relay.store.sweepExpired(relay.now(), SWEPT_RECORDS);
      this.#world.note('relay', `removed ${removed} that had expired`);
    });
  }

  // Counted when it comes to it.
  #crashInTake(): void {
    const running = this.#world.lines.filter(({ life }) => life !== undefined);
    const line = running.length === 0 ? undefined : this.#random.pick(running);
    if (line?.life === undefined) return;
    const { life } = line;
    const turns = this.#random.integer(1, MOST_TURNS);
    life.atTake = crashAfterTurns(this.#world, { line, life }, { turns, kind: 'node-crash-in-commit' });
  }

  #cutOffForLong(): void {
    const { network, time, nodes, faults } = this.#world;
    const node = this.#random.pick(nodes);
    network.cutOff.add(node);
    faults.add('partition');
    this.#world.note(node, 'cut off for long');
    time.after(this.#random.integer(200_000, 1_500_000), () => network.cutOff.delete(node));
  }
}

function documentOf(value: { readonly n: number; readonly put?: number }): Document {
  return { text: JSON.stringify(value), value };
}
