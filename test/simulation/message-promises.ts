import { seededRandom } from '@holdfast/testkit';

import type { NodeLife } from './simulated-node.ts';

/** Of the worlds in which nodes share records, those in which agents publish durable messages too. */
const MESSAGE_SHARE_OF_WORLDS = 0.5;

/** Whether agents publish durable messages in the world of a seed in which nodes share records. Drawn like `sharesIn`. */
export function publishesIn(seed: number): boolean {
  return seededRandom(seed + 3_000_000_077).next() < MESSAGE_SHARE_OF_WORLDS;
}

/** A durable message that is published. */
export interface SentMessage {
  /** Counts up over the world, and is its value. */
  readonly serial: number;
  /** Whose it is: messages of one publisher come in order. */
  readonly publisher: string;
  readonly node: string;
}

/** A message that was heard. */
interface Heard {
  readonly message: SentMessage;
  readonly times: number;
}

/**
 * What callers were promised of durable messages: one that was answered is heard on every line of a node, once, and in the order in
 * which its publisher published. A listener goes on from the place of what it heard last, whatever ends in between.
 */
export class MessagePromises {
  readonly #sent = new Map<number, SentMessage>();
  readonly #kept = new Set<SentMessage>();
  readonly #heard = new Map<string, Map<number, Heard>>();
  readonly #places = new Map<string, string>();
  readonly #listening = new WeakSet<NodeLife>();

  /** A message is published. */
  ask(message: Omit<SentMessage, 'serial'>): SentMessage {
    const asked = { ...message, serial: this.#sent.size + 1 };
    this.#sent.set(asked.serial, asked);
    return asked;
  }

  /** It was answered. */
  keep(message: SentMessage): void {
    this.#kept.add(message);
  }

  /** Messages that were answered. */
  get kept(): readonly SentMessage[] {
    return [...this.#kept];
  }

  /** Whether nobody listens on this life of a node yet; somebody does from now on. */
  beginsListening(life: NodeLife): boolean {
    if (this.#listening.has(life)) return false;
    this.#listening.add(life);
    return true;
  }

  /** From where the listener of a line goes on; undefined: from the beginning. */
  placeOf(line: string): string | undefined {
    return this.#places.get(line);
  }

  /** The listener of a line heard a message, and keeps its place. */
  hear(line: string, { serial, place }: { readonly serial: number; readonly place: string }): void {
    this.#places.set(line, place);
    const heard = this.#heard.get(line) ?? new Map<number, Heard>();
    const message = this.#sent.get(serial);
    if (message !== undefined) heard.set(serial, { message, times: (heard.get(serial)?.times ?? 0) + 1 });
    this.#heard.set(line, heard);
  }

  /** What the listener of a line heard, in the order in which it heard each first. */
  heardOn(line: string): readonly Heard[] {
    return [...(this.#heard.get(line)?.values() ?? [])];
  }
}
