import { isHoldfastError } from '@holdfast/protocol';
import { seededRandom, type SeededRandom } from '@holdfast/testkit';

import { AGENTS } from './configuration.ts';
import type { LockPromises } from './lock-promises.ts';
import type { NodeLife, NodeLine } from './simulated-node.ts';
import type { World } from './world.ts';

/** Longer than a world: leases end by the steady clock of the process, which is not simulated. */
const TTL_SECONDS = 3600;

/** How often something of each kind is done in a step. */
const SHARES = { takes: 0.25, releases: 0.15 };

/** Locks that all want; a lease whose answer was lost keeps one from everybody for good, so others are asked for once. */
const WANTED = ['a', 'b', 'c'];

const never = new AbortController().signal;

/** Agents of all nodes take locks of the network and release them. It has a source of randomness of its own, like `Sharing`. */
export class Locking {
  readonly #world: World;
  readonly #random: SeededRandom;
  #takes = 0;
  #putBacks = 0;

  constructor(world: World) {
    this.#world = world;
    this.#random = seededRandom(world.seed + 2_000_000_059);
  }

  /** Takes or releases a lock, perhaps. */
  maybe(): void {
    const { locks } = this.#world;
    if (locks === undefined) return;
    for (const line of this.#takers()) if (line.life !== undefined) this.#take(locks, line, line.life);
    if (this.#random.next() < SHARES.releases) this.#releaseOne(locks);
  }

  // A relay that was put back is asked by all at once: by who saw few of its fences before it is told by who saw more.
  #takers(): readonly NodeLine[] {
    const { lines, relay } = this.#world;
    const wasPutBack = relay.timesPutBack > this.#putBacks;
    this.#putBacks = relay.timesPutBack;
    if (wasPutBack) return lines;
    return this.#random.next() < SHARES.takes ? [this.#random.pick(lines)] : [];
  }

  #take(locks: LockPromises, { label }: NodeLine, life: NodeLife): void {
    this.#takes += 1;
    const name = this.#random.next() < 0.5 ? this.#random.pick(WANTED) : `once-${this.#takes}`;
    const agent = this.#random.pick(AGENTS);
    const asked = locks.ask(label);
    this.#world.note(label, `wants ${name}`);
    const wish = { scope: 'network', ttl_seconds: TTL_SECONDS } as const;
    const taken = life.locks.acquire({ agent, resource: '' }, name, wish, never).then(({ lease, fence }) => {
      if (life.isDead) return;
      this.#world.note(label, `has ${name} with fence ${fence}`);
      this.#world.operations.add('lock-taken');
      const broken = locks.give(asked, { name, lease, fence });
      if (broken !== undefined) this.#world.violated(broken);
    });
    this.#answered(taken, life, label);
  }

  #releaseOne(locks: LockPromises): void {
    const { held } = locks;
    const line = this.#runningLine();
    if (held.length === 0 || line?.life === undefined) return;
    const { life, label } = line;
    const given = this.#random.pick(held);
    locks.release(given);
    this.#world.note(label, `releases ${given.name}`);
    const released = life.locks.release({ agent: this.#random.pick(AGENTS), resource: '' }, given.lease, never);
    this.#answered(
      released.then(() => {
        if (!life.isDead) this.#world.operations.add('lock-released');
      }),
      life,
      label,
    );
  }

  // Refusals are told by the lock's own codes, whatever the network does.
  #answered(asked: Promise<void>, life: NodeLife, label: string): void {
    const answered = asked.catch((error: unknown) => {
      if (life.isDead) return;
      if (isHoldfastError(error, 'lock-held')) this.#world.operations.add('lock-held');
      else if (!isHoldfastError(error, 'relay-unreachable')) throw error;
      this.#world.note(label, `is refused a lock: ${error.code}`);
    });
    this.#world.watch(answered);
  }

  #runningLine(): NodeLine | undefined {
    const running = this.#world.lines.filter(({ life }) => life !== undefined);
    return running.length === 0 ? undefined : this.#random.pick(running);
  }
}
