import { MAIL } from '@holdfast/daemon/parts';
import { isHoldfastError } from '@holdfast/protocol';
import { toTimestamp } from '@holdfast/store';
import { seededRandom, type SeededRandom } from '@holdfast/testkit';

import { AGENTS } from './configuration.ts';
import { crashAfterTurns } from './crash-after-turns.ts';
import { type Letter, type LetterPromises, STANDING } from './letter-promises.ts';
import { perhaps } from './perhaps.ts';
import type { NodeLife, NodeLine } from './simulated-node.ts';
import type { World } from './world.ts';

/** How often something of each kind is done in a step. */
const SHARES = { sends: 0.3, repeats: 0.08, reads: 0.1, deletes: 0.08, crashes: 0.04 };

/** A node ends at most so many turns of its process after it began to deliver: before, between and after its commits. */
const MOST_TURNS = 4;

/** Letters a reader looks at. */
const LOOKED_AT = 20;

/** A letter that may be asked for once more under its key. */
interface Repeatable {
  readonly line: NodeLine;
  readonly letter: Letter;
  /** How far the clock of the line was off: a key is forgotten by it. */
  readonly clockOffsetMs: number;
  readonly branches: number;
}

/**
 * Letters: agents send them to agents of other nodes and of their own, read and delete them; and nodes end while they deliver. It has a
 * source of randomness of its own, so that all other worlds are what they were without it.
 */
export class Posting {
  readonly #world: World;
  readonly #random: SeededRandom;
  #repeatable: Repeatable | undefined;

  constructor(world: World) {
    this.#world = world;
    this.#random = seededRandom(world.seed + 3_000_000_037);
  }

  /** Does something with letters, perhaps. */
  maybe(): void {
    const { letters } = this.#world;
    if (letters === undefined) return;
    this.#perhaps(SHARES.sends, (line, life) => this.#send(letters, line, life));
    this.#perhaps(SHARES.repeats, (line, life) => this.#sendAgain(letters, line, life));
    this.#perhaps(SHARES.reads, (line, life) => this.#read(letters, line, life));
    this.#perhaps(SHARES.deletes, (line, life) => this.#delete(letters, line, life));
    this.#perhaps(SHARES.crashes, (line, life) => this.#crashInDelivery(line, life));
  }

  #perhaps(share: number, act: (line: NodeLine, life: NodeLife) => void): void {
    perhaps(this.#world, this.#random, { share, act });
  }

  #send(letters: LetterPromises, line: NodeLine, life: NodeLife): void {
    const to = { node: this.#random.pick(this.#world.nodes), agent: this.#random.pick(AGENTS) };
    const from = { node: line.node, agent: this.#random.pick(AGENTS) };
    const letter = letters.ask({ from, to, resource: this.#random.pick(['', 'app:u']) });
    const { clockOffsetMs } = line;
    this.#repeatable = { line, letter, clockOffsetMs, branches: this.#world.branchesOf(line.node) };
    this.#ask(letters, { line, life, letter });
    // Two requests at once, as by a caller who was too impatient.
    if (this.#random.next() < 0.2) this.#askAgain(letters, { line, life, letter });
  }

  // A key is in the file of the agent whose mail or letters it is about: an older copy does not know it.
  #sendAgain(letters: LetterPromises, line: NodeLine, life: NodeLife): void {
    const last = this.#repeatable;
    const isKeyKnown =
      last?.line === line &&
      last.clockOffsetMs === line.clockOffsetMs &&
      last.branches === this.#world.branchesOf(line.node);
    if (isKeyKnown) this.#askAgain(letters, { line, life, letter: last.letter });
  }

  #askAgain(letters: LetterPromises, asked: Asked): void {
    this.#world.operations.add('letter-asked-again');
    this.#ask(letters, asked);
  }

  #ask(letters: LetterPromises, { line, life, letter }: Asked): void {
    const { serial, from, to, resource } = letter;
    this.#world.note(line.label, `letter #${serial} of ${from.agent} to ${to.agent}@${to.node} ${resource}`);
    letters.askAt(letter, toTimestamp(line.nowMs));
    const sent = life.post.send(
      { agent: from.agent, resource },
      `${to.agent}@${to.node}`,
      {
        subject: `#${serial}`,
        body: { n: serial },
        idempotency: { key: `letter-${serial}`, fingerprint: 'same' },
      },
      new AbortController().signal,
    );
    const kept = sent.then((answer) => {
      if (life.isDead) return;
      letters.keep(letter, answer);
      this.#world.operations.add(answer.state === 'delivered' ? 'letter-beside' : 'letter-to-node');
    });
    this.#world.watch(kept);
  }

  #read(letters: LetterPromises, line: NodeLine, life: NodeLife): void {
    const chosen = this.#choose(letters, life);
    if (chosen === undefined) return;
    const { id, letter, agent, resource } = chosen;
    this.#do(letters, { line, life, letter }, STANDING.read, () => life.post.read({ agent, resource }, id));
  }

  #delete(letters: LetterPromises, line: NodeLine, life: NodeLife): void {
    const chosen = this.#choose(letters, life);
    if (chosen === undefined) return;
    const { id, letter, agent, resource } = chosen;
    const operation = { op: 'delete', collection: MAIL, id } as const;
    this.#do(letters, { line, life, letter }, STANDING.deleted, () =>
      life.records.write({ agent, resource }, { operations: [operation] }, { ack: 'local', timeoutMs: 0 }),
    );
  }

  #choose(letters: LetterPromises, life: NodeLife): Chosen | undefined {
    const scope = { agent: this.#random.pick(AGENTS), resource: this.#random.pick(['', 'app:u']) };
    const { letters: inbox } = life.post.inbox(scope, { limit: LOOKED_AT });
    if (inbox.length === 0) return undefined;
    const received = this.#random.pick(inbox);
    const letter = letters.of((received.body as { n: number }).n)?.letter;
    if (letter === undefined) return undefined;
    letters.met(letter, received);
    return { id: received.id, letter, ...scope };
  }

  #do(letters: LetterPromises, { line, life, letter }: Asked, standing: number, act: () => Promise<unknown>): void {
    const what = standing === STANDING.read ? 'read' : 'deleted';
    this.#world.note(line.label, `letter #${letter.serial} is to be ${what}`);
    letters.askStanding(letter, standing);
    const done = act().then(
      () => {
        if (life.isDead) return;
        // Of two copies of a node that wrote one record, either may win.
        if (!this.#world.cloned.has(line.node)) letters.keepStanding(letter, standing);
        this.#world.operations.add(`letter-${what}`);
      },
      (error: unknown) => {
        if (!life.isDead && !isHoldfastError(error, 'record-not-found')) throw error;
      },
    );
    this.#world.watch(done);
  }

  // Counted when it comes to it.
  #crashInDelivery(line: NodeLine, life: NodeLife): void {
    const turns = this.#random.integer(1, MOST_TURNS);
    life.atDelivery = crashAfterTurns(this.#world, { line, life }, { turns, kind: 'node-crash-in-delivery' });
  }
}

/** A letter that is asked for. */
interface Asked {
  readonly line: NodeLine;
  readonly life: NodeLife;
  readonly letter: Letter;
}

/** A letter in an inbox. */
interface Chosen {
  readonly id: string;
  readonly letter: Letter;
  readonly agent: string;
  readonly resource: string;
}
