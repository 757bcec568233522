import { seededRandom, type SeededRandom } from '@holdfast/testkit';

import { drawnScope } from './copied-scopes.ts';
import { crashAfterTurns } from './crash-after-turns.ts';
import { perhaps } from './perhaps.ts';
import type { NodeLife, NodeLine } from './simulated-node.ts';
import type { World } from './world.ts';

/** How often something of each kind is done in a step. */
const SHARES = { subscribes: 0.04, unsubscribes: 0.02, crashes: 0.04 };

/** A node ends at most so many turns of its process after it began to keep a page: before and after it is there. */
const MOST_TURNS = 2;

/** The one subscription that comes and goes. */
const NAME = 'called';

/**
 * Subscriptions that are made by calls, given another scope and ended; and nodes that end while they keep what came. It has a source of
 * randomness of its own, so that all other worlds are what they were without it.
 */
export class Copying {
  readonly #world: World;
  readonly #random: SeededRandom;

  constructor(world: World) {
    this.#world = world;
    this.#random = seededRandom(world.seed + 4_000_000_009);
  }

  /** Does something with subscriptions, perhaps. */
  maybe(): void {
    if (this.#world.copies === undefined) return;
    this.#perhaps(SHARES.subscribes, (line, life) => this.#subscribe(line, life));
    this.#perhaps(SHARES.unsubscribes, (line, life) => this.#unsubscribe(line, life));
    this.#perhaps(SHARES.crashes, (line, life) => {
      const turns = this.#random.integer(1, MOST_TURNS);
      life.atCopying = crashAfterTurns(this.#world, { line, life }, { turns, kind: 'node-crash-in-copying' });
    });
  }

  #perhaps(share: number, act: (line: NodeLine, life: NodeLife) => void): void {
    perhaps(this.#world, this.#random, { share, act });
  }

  #subscribe(line: NodeLine, life: NodeLife): void {
    const scope = drawnScope(this.#random);
    this.#world.note(line.label, `subscribes to ${JSON.stringify(scope)}`);
    this.#do(life, 'subscribed', () => life.subscriptions.put(NAME, scope));
  }

  #unsubscribe(line: NodeLine, life: NodeLife): void {
    if (!life.subscriptions.scopes.has(NAME)) return;
    this.#world.note(line.label, 'ends its subscription');
    this.#do(life, 'unsubscribed', () => life.subscriptions.remove(NAME));
  }

  #do(life: NodeLife, what: 'subscribed' | 'unsubscribed', act: () => Promise<unknown>): void {
    const done = act().then(
      () => {
        if (!life.isDead) this.#world.operations.add(what);
      },
      (error: unknown) => {
        if (!life.isDead) throw error;
      },
    );
    this.#world.watch(done);
  }
}
