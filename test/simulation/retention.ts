import { DECLARATIONS, parseDocument } from '@holdfast/protocol';
import { seededRandom, type SeededRandom } from '@holdfast/testkit';

import { AGENTS, COLLECTION } from './configuration.ts';
import type { NodeLife, NodeLine } from './simulated-node.ts';
import { countLosses } from './survival.ts';
import { isShortLived, type Key, type Stored } from './values.ts';
import type { World } from './world.ts';

/** Worlds in which records are kept for a while only, and how often they are removed there. */
const SHARE_OF_WORLDS = 0.4;
const SHARE_OF_STEPS = 0.12;

const DECLARATION = JSON.stringify({ retention: { node: { records: 2 }, relay: { records: 4 } } });

/**
 * Retention, in some of the worlds: agents declare it, and nodes and relay carry it out now and then. It has a source of
 * randomness of its own, so that all other worlds are what they were without it.
 */
export class Retention {
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #isDeclared: boolean;
  #hasBegun = false;

  constructor(world: World) {
    this.#world = world;
    this.#random = seededRandom(world.seed + 1_000_000_007);
    this.#isDeclared = this.#random.next() < SHARE_OF_WORLDS;
  }

  /** Carries it out, perhaps. */
  async maybe(): Promise<void> {
    if (!this.#isDeclared) return;
    if (!this.#hasBegun) await this.#declare();
    if (this.#random.next() >= SHARE_OF_STEPS) return;
    if (this.#random.next() < 0.35) await this.#carryOutOnRelay();
    else await this.#carryOutOnNode();
  }

  async #declare(): Promise<void> {
    this.#hasBegun = true;
    const document = parseDocument(DECLARATION);
    const operation = { op: 'put', collection: DECLARATIONS, id: COLLECTION, document, expiresAtMs: null } as const;
    for (const { life } of this.#world.lines) {
      for (const agent of life === undefined ? [] : AGENTS)
        await life?.files.get(agent).write({ resource: '', operations: [operation] });
    }
    await this.#world.settle();
  }

  async #carryOutOnNode(): Promise<void> {
    const running = this.#world.lines.filter(({ life }) => life !== undefined);
    if (running.length === 0 || !this.#world.relay.isUp) return;
    const line = this.#random.pick(running);
    await this.#world.settle();
    if (line.life === undefined || !this.#world.relay.isUp) return;
    const before = line.held();
    for (const agent of AGENTS) await this.#carryOutOf(line.life, line, agent);
    if (line.life === undefined) return;
    const gone = goneOf(before, line.held());
    const onRelay = await this.#world.onRelay(line.node);
    for (const [key, stored] of gone) this.#note(line, key, { stored, there: onRelay.get(key) });
    await countLosses(this.#world, line.node);
  }

  async #carryOutOf(life: NodeLife, line: NodeLine, agent: string): Promise<void> {
    if (life.isDead || !life.sync.isKnownEqual(agent)) return;
    const { retention } = life.files.get(agent);
    const pass = retention.begin(line.nowMs, { isDryRun: false, hasRelay: true });
    for (let seq: number | undefined = 0; seq !== undefined;) seq = await retention.step(pass, seq);
    this.#world.note(line.label, `retention of ${agent}: ${JSON.stringify(pass.pass.figures)}`);
  }

  #note(line: NodeLine, key: Key, { stored, there }: { stored: Stored; there: Stored | undefined }): void {
    this.#world.removed.add('node', line.node, key);
    const mayBeBehind = this.#world.relay.timesPutBack > 0 || this.#world.faults.of('relay-record-lost') > 0;
    if (mayBeBehind || isShortLived(key) || this.#world.removed.has('relay', line.node, key)) return;
    if (there === undefined || there.version < stored.version)
      this.#world.violated(`${line.label}: retention removed ${key}, which the relay does not hold`);
  }

  async #carryOutOnRelay(): Promise<void> {
    const { relay, nodes } = this.#world;
    await this.#world.settle();
    if (!relay.isUp) return;
    const before = new Map<string, ReadonlyMap<Key, Stored>>();
    for (const node of nodes) before.set(node, await this.#world.onRelay(node));
    const { agents } = await relay.store.retain({ nowMs: relay.now(), isDryRun: false, isStopped: () => false });
    this.#world.note('relay', `retention: ${JSON.stringify(agents)}`);
    for (const [node, held] of before) {
      for (const [key] of goneOf(held, await this.#world.onRelay(node))) this.#world.removed.add('relay', node, key);
    }
    for (const node of nodes) await countLosses(this.#world, node);
  }
}

function goneOf(before: ReadonlyMap<Key, Stored>, after: ReadonlyMap<Key, Stored>): (readonly [Key, Stored])[] {
  return [...before].filter(([key]) => !after.has(key));
}
