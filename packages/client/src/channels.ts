import type { ChannelMessage } from '@holdfast/protocol';

import type { Caller } from './caller.ts';
import type { AnswerOf, DaemonRoutes } from './calls.ts';
import type { EventCaller, ReceivedEvent } from './event-caller.ts';
import type { ListenOptions, ResumeOptions } from './event-reader.ts';
import { randomKey } from './random-key.ts';
import { Told } from './told.ts';

/** How to publish. */
export interface PublishOptions {
  /** Whether the message is kept, for listeners that come later or were cut off. Default false. */
  readonly durable?: boolean | undefined;
  /** Seconds a durable message is kept. Default a day; at most 30 days. */
  readonly ttl?: number | undefined;
  /** The same key and durable message again, within a day, is published once. Default a random key for each call. */
  readonly idempotencyKey?: string | undefined;
}

/** How to listen to durable messages, and from where. */
export interface DurableListenOptions extends ResumeOptions {
  readonly durable: true;
  /** Whether messages that are kept come first, where `after` names no place. Default `beginning`. */
  readonly from?: 'beginning' | 'now' | undefined;
}

/** A durable message as a listener gets it. */
export interface DurableMessage extends ChannelMessage {
  /** Where to go on from, as `after`: kept by who did its work on the message, nothing is missed and nothing comes twice. */
  readonly place: string;
}

/** Messages of which a listener remembers that it gave them out. */
const TOLD_MESSAGES = 10_000;

/** What agents tell each other: those of a resource, on this node, and while the relay is there on all nodes. */
export interface ChannelsClient {
  /**
   * Publishes anything JSON can hold, at most 64 KiB, to whoever listens now: each gets it once at most, and nobody later. It is sent again
   * only where that cannot publish it twice.
   *
   * With `durable` it is kept too, on this node before the call resolves, and durable listeners of all nodes get it, also later.
   * Failures that may pass are tried again: it is published once.
   */
  publish(
    channel: string,
    value: unknown,
    options?: PublishOptions,
  ): Promise<AnswerOf<DaemonRoutes['channel.publish']>>;
  /**
   * Listens for durable messages on a channel, or on all that a pattern covers: those that are kept, then those that come, each once and
   * none left out, until the loop is left or `signal` aborts. Goes on by itself after cuts. Throws what cannot be mended that way.
   */
  listen(pattern: string, options: DurableListenOptions): AsyncIterable<DurableMessage>;
  /**
   * Listens to a channel, or to all that a pattern covers (`agent:updates:*`), until the loop is left or `signal` aborts. Cuts are
   * mended by listening again; what was published in between is not heard. Throws what cannot be mended that way.
   */
  listen(pattern: string, options?: ListenOptions): AsyncIterable<ChannelMessage>;
  /** Who listens now: to what the pattern covers, or to a pattern that covers it. Durable listeners do not count: they miss nothing. */
  present(pattern: string): Promise<AnswerOf<DaemonRoutes['channel.presence']>>;
}

/** Opens the channels of the agent's resource. Nothing is sent. */
export function openChannels(call: Caller<DaemonRoutes>, events: EventCaller<DaemonRoutes>): ChannelsClient {
  function listen(pattern: string, options: DurableListenOptions): AsyncIterable<DurableMessage>;
  function listen(pattern: string, options?: ListenOptions): AsyncIterable<ChannelMessage>;
  function listen(channel: string, options: ListenOptions | DurableListenOptions = {}): AsyncIterable<ChannelMessage> {
    if (!('durable' in options)) return messages(events('channel.listen', { params: { channel } }, options));
    const { from, signal, after } = options;
    const query = { durable: 'true', from } as const;
    return durableMessages(events('channel.listen', { params: { channel }, query }, { signal, after }));
  }
  return {
    publish: async (channel, value, { durable = false, ttl, idempotencyKey } = {}) => {
      const key = durable ? (idempotencyKey ?? randomKey()) : idempotencyKey;
      const query = { ttl, ...(durable && ({ durable: 'true' } as const)) };
      return (await call('channel.publish', { params: { channel }, query, body: value }, { idempotencyKey: key }))
        .value;
    },
    listen,
    present: async (channel) => (await call('channel.presence', { params: { channel } })).value,
  };
}

type Messages = AsyncIterable<ReceivedEvent<ChannelMessage>>;

async function* messages(events: Messages): AsyncGenerator<ChannelMessage, void> {
  for await (const { data } of events) yield data;
}

async function* durableMessages(events: Messages): AsyncGenerator<DurableMessage, void> {
  const told = new Told(TOLD_MESSAGES);
  for await (const { id: place, data } of events) {
    // A message that is moved in the daemon's file, as the relay had lost it, is no other message.
    if (told.isNew(data.id)) yield { ...data, place };
  }
}
