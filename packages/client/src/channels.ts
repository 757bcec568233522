import type { ChannelMessage } from '@holdfast/protocol';

import type { Caller } from './caller.ts';
import type { AnswerOf, DaemonRoutes } from './calls.ts';
import type { EventCaller } from './event-caller.ts';
import type { ListenOptions } from './event-reader.ts';

/** What agents tell each other now: those of a resource, on this node, and while the relay is there on all nodes. */
export interface ChannelsClient {
  /**
   * Publishes anything JSON can hold to whoever listens now; at most 64 KiB. Each listener gets it once at most, and nobody later.
   * Sent again only where that cannot publish it twice.
   */
  publish(channel: string, value: unknown): Promise<AnswerOf<DaemonRoutes['channel.publish']>>;
  /**
   * Listens to a channel, or to all that a pattern covers (`agent:updates:*`), until the loop is left or `signal` aborts. Cuts are
   * mended by listening again; what was published in between is not heard. Throws what cannot be mended that way.
   */
  listen(pattern: string, options?: ListenOptions): AsyncIterable<ChannelMessage>;
  /** Who listens now: to what the pattern covers, or to a pattern that covers it. */
  present(pattern: string): Promise<AnswerOf<DaemonRoutes['channel.presence']>>;
}

/** Opens the channels of the agent's resource. Nothing is sent. */
export function openChannels(call: Caller<DaemonRoutes>, events: EventCaller<DaemonRoutes>): ChannelsClient {
  return {
    publish: async (channel, value) => (await call('channel.publish', { params: { channel }, body: value })).value,
    listen: (channel, options) => messages(events('channel.listen', { params: { channel } }, options)),
    present: async (channel) => (await call('channel.presence', { params: { channel } })).value,
  };
}

async function* messages(
  events: ReturnType<EventCaller<Pick<DaemonRoutes, 'channel.listen'>>>,
): AsyncGenerator<ChannelMessage, void> {
  for await (const { data } of events) yield data;
}
