import type { ReceivedLetter } from '@holdfast/protocol';
import { seededRandom } from '@holdfast/testkit';

/** Worlds in which agents send letters. */
const SHARE_OF_WORLDS = 0.2;

/** Whether agents send letters in the world of a seed. Drawn from randomness of its own: all other worlds stay what they were. */
export function postsIn(seed: number): boolean {
  return seededRandom(seed + 3_000_000_019).next() < SHARE_OF_WORLDS;
}

/** How far a letter has come: each of these is behind the one before it. */
export const STANDING: Readonly<Record<'nowhere' | 'there' | 'read' | 'deleted', number>> = Object.freeze({
  nowhere: 0,
  there: 1,
  read: 2,
  deleted: 3,
});

/** An agent of a node. */
export interface Party {
  readonly node: string;
  readonly agent: string;
}

/** A letter that was asked for. */
export interface Letter {
  /** Counts up over the world, and stands in the letter's body. */
  readonly serial: number;
  readonly from: Party;
  readonly to: Party;
  readonly resource: string;
}

/** What somebody was told of a letter. */
type Told = Pick<ReceivedLetter, 'id' | 'sent_at'>;

/** What became of a letter, as far as callers were told. */
export interface Promised {
  readonly letter: Letter;
  /** Its id; undefined while nobody was told. */
  id: string | undefined;
  /** Another id under which somebody was told of it: it was sent twice. */
  otherId: string | undefined;
  /** By the relay's clock it has expired, and the relay removed it: its sender does not send it again. */
  isExpired: boolean;
  /** When it was sent, as it may say. */
  sentAt: readonly string[];
  /** How far it has come at least, and at most. */
  least: number;
  most: number;
}

/**
 * What callers were promised of letters. One that was acknowledged arrives once and as it was sent; what its reader did with it then
 * stays done.
 */
export class LetterPromises {
  readonly #promised = new Map<number, Promised>();
  /** Letters that were acknowledged. */
  acknowledged = 0;

  /** Letters that were asked for. */
  get asked(): number {
    return this.#promised.size;
  }

  /** All of them. */
  get all(): readonly Promised[] {
    return [...this.#promised.values()];
  }

  /** The letter of a serial; undefined: nobody sent it. */
  of(serial: number): Promised | undefined {
    return this.#promised.get(serial);
  }

  /** A letter is to be sent. */
  ask(letter: Omit<Letter, 'serial'>): Letter {
    const asked = { ...letter, serial: this.asked + 1 };
    const { nowhere, there } = STANDING;
    this.#promised.set(asked.serial, {
      letter: asked,
      id: undefined,
      otherId: undefined,
      isExpired: false,
      sentAt: [],
      least: nowhere,
      most: there,
    });
    return asked;
  }

  /** It is asked for, perhaps not for the first time, at a time that it may say. */
  askAt({ serial }: Letter, sentAt: string): void {
    const promised = this.#of(serial);
    if (promised.id === undefined) promised.sentAt = [...promised.sentAt, sentAt];
  }

  /** It was acknowledged. */
  keep(letter: Letter, told: Told): void {
    this.acknowledged += 1;
    this.met(letter, told);
    const promised = this.#of(letter.serial);
    promised.least = Math.max(promised.least, STANDING.there);
  }

  /** Somebody was told of it. */
  met({ serial }: Letter, { id, sent_at: sentAt }: Told): void {
    const promised = this.#of(serial);
    if (promised.id === undefined) Object.assign(promised, { id, sentAt: [sentAt] });
    else if (promised.id !== id) promised.otherId = id;
  }

  /** Its reader asks to read or delete it. Who reads what was deleted has a copy from before that: the later counts. */
  askStanding({ serial }: Letter, standing: number): void {
    const promised = this.#of(serial);
    promised.most = Math.max(promised.most, standing);
    promised.least = Math.min(promised.least, standing);
  }

  /** What its reader asked for was done. */
  keepStanding({ serial }: Letter, standing: number): void {
    this.#of(serial).least = standing;
  }

  /** The relay removed it from among what was sent. */
  expired({ serial }: Letter): void {
    this.#of(serial).isExpired = true;
  }

  /** The only places that had what was promised lost it: `left` is how far it has come in those that are left. */
  lost({ serial }: Letter, left: number): void {
    this.#of(serial).least = left;
  }

  #of(serial: number): Promised {
    const promised = this.#promised.get(serial);
    if (promised === undefined) throw new Error(`nobody asked for letter #${serial}`);
    return promised;
  }
}
