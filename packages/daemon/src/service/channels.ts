import { type Listening, MemoryFanout } from '@holdfast/live';
import {
  type ChannelPresence,
  type Document,
  HoldfastError,
  limits,
  makeRecordId,
  type Publisher,
  type Reach,
  type SentMessage,
  utf8Length,
} from '@holdfast/protocol';

import { ChannelLink, type ChannelLinkOptions, type HeardMessage } from '../sync/channel-link.ts';
import { type Interest, keyOf } from '../sync/interest-teller.ts';
import type { Scope } from './records.ts';

/** What channels need. */
export interface ChannelsOptions extends Omit<ChannelLinkOptions, 'interests' | 'onMessage'> {
  /** The node's name; undefined: it has none yet. */
  readonly node: () => string | undefined;
}

/** A message as it is handed to those who listen here: an event. */
export interface HandedMessage {
  readonly id: string;
  /** The message as JSON text: the same for all. */
  readonly data: string;
  readonly bytes: number;
}

/** A message that was published. */
export interface Published {
  readonly id: string;
  /** Of this node. */
  readonly listeners: number;
  readonly reach: Reach;
}

/** Those who listen on this node are one owner of the fan-out. */
const HERE = 'here';
/** What may wait for one listener. */
const LISTENER_QUEUE = { messages: 1_000, bytes: 1024 * 1024 };
/** How long a listener waits for the relay to know of it. */
const SETTLE_MS = 1_000;

/** Channels of this node's agents: among themselves without the relay, with those of other nodes through it. */
export class Channels {
  /** The way to other nodes. */
  readonly link: ChannelLink;
  readonly #node: () => string | undefined;
  readonly #fanout = new MemoryFanout<HandedMessage>(LISTENER_QUEUE);
  readonly #interests = new Map<string, Interest>();

  constructor({ node, ...options }: ChannelsOptions) {
    this.#node = node;
    this.link = new ChannelLink({
      ...options,
      interests: () => [...this.#interests.values()],
      onMessage: (message) => void this.#hear(message),
    });
  }

  /** How many listen on this node. */
  get listeners(): number {
    return [...this.#interests.values()].reduce((sum, { listeners }) => sum + listeners, 0);
  }

  /** How far a message would go now. */
  get reach(): Reach {
    return this.link.isOpen ? 'network' : 'node';
  }

  /** What an agent of this node is called as a publisher. */
  publisher(agent: string): Publisher {
    return { node: this.#node() ?? null, agent };
  }

  /** Publishes a value. Waits for nobody. Throws `body-too-large`. */
  async publish(scope: Scope, channel: string, { text }: Document): Promise<Published> {
    assertMessageSize(text);
    return this.tell(scope, channel, { id: makeRecordId(), text });
  }

  /** Hands a message to those who listen now, once at most. Waits for nobody. */
  async tell(
    { agent, resource }: Scope,
    channel: string,
    message: Pick<SentMessage, 'id' | 'text'>,
  ): Promise<Published> {
    const { id, text } = message;
    const isSent = this.link.send({ id, resource, channel, agent, text });
    const listeners = await this.#hand({ id, resource, channel, from: this.publisher(agent), text });
    return { id, listeners, reach: isSent ? 'network' : 'node' };
  }

  /**
   * The messages on the channels that a pattern covers, until `signal` aborts. What is published on this node after it resolved
   * is heard; while the link is open, also what is published on others, unless the relay takes over a second to say so.
   */
  async listen({ agent, resource }: Scope, pattern: string, signal: AbortSignal): Promise<Listening<HandedMessage>> {
    const interest = { resource, pattern, agent, listeners: 1 };
    const listening = await this.#fanout.listen(HERE, [interest], signal);
    if (signal.aborted) return listening;
    this.#count(interest, 1);
    signal.addEventListener('abort', () => this.#count(interest, -1), { once: true });
    await this.link.settled(SETTLE_MS);
    return listening;
  }

  /** Who listens now: on all nodes, or on this one if the others cannot be asked. */
  async present(
    { resource }: Pick<Scope, 'resource'>,
    pattern: string,
    signal: AbortSignal,
  ): Promise<{ readonly present: readonly ChannelPresence[]; readonly reach: Reach }> {
    const node = this.#node() ?? null;
    const here = await this.#fanout.present(resource, pattern);
    const local = here.map(({ agent, listeners }) => ({ node, agent, listeners }));
    const others = await this.link.present(resource, pattern, signal);
    return { present: [...local, ...(others ?? [])], reach: others === undefined ? 'node' : 'network' };
  }

  #hear({ node, agent, id, resource, channel, text }: HeardMessage): Promise<number> {
    return this.#hand({ id, resource, channel, from: { node, agent }, text });
  }

  #hand(message: {
    readonly id: string;
    readonly resource: string;
    readonly channel: string;
    readonly from: Publisher;
    readonly text: string;
  }): Promise<number> {
    const { id, resource, channel, from, text } = message;
    // The value stands in it as it was sent: nobody reads it on the way.
    const data = `${JSON.stringify({ id, channel, from }).slice(0, -1)},"value":${text}}`;
    return this.#fanout.publish({ resource, channel }, { id, data, bytes: data.length });
  }

  #count(interest: Interest, by: 1 | -1): void {
    const key = keyOf(interest);
    const listeners = (this.#interests.get(key)?.listeners ?? 0) + by;
    const now = { ...interest, listeners };
    if (listeners > 0) this.#interests.set(key, now);
    else this.#interests.delete(key);
    this.link.changed(now);
  }
}

/** Throws `body-too-large` for a message, as JSON text, that is larger than messages are. */
export function assertMessageSize(text: string): void {
  if (utf8Length(text) <= limits.messageBytes) return;
  throw new HoldfastError('body-too-large', `a message is at most ${limits.messageBytes} bytes`);
}
