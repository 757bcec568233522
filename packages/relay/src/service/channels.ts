import { randomBytes } from 'node:crypto';

import type { Fanout, Listening } from '@holdfast/live';
import type { ChannelPresence, InterestChanges, RelayEvent, RelayListen, RelayPublish } from '@holdfast/protocol';

import type { RelayStore } from '../storage/relay-store.ts';
import { cloned } from '../storage/sqlite/session-table.ts';
import type { ChannelMetrics } from './channel-metrics.ts';

/** A message on its way to the nodes that listen. */
export interface RelayedMessage {
  /** What they are sent: JSON text. */
  readonly text: string;
  readonly bytes: number;
}

/** What channels need. */
export interface ChannelsOptions {
  readonly store: Pick<RelayStore, 'speaker'>;
  readonly fanout: Fanout<RelayedMessage>;
  readonly metrics: ChannelMetrics;
}

/** The stream on which a start of a node's daemon listens. */
interface NodeStream {
  readonly boot: string;
  readonly id: string;
  readonly listening: Listening<RelayedMessage>;
  /** Aborts when another one takes its place, with the boot of that one. */
  readonly replaced: AbortController;
}

/** Messages from node to node. Only the start that speaks for a node (protocol rule 7) listens and publishes in its name. */
export class Channels {
  readonly #options: ChannelsOptions;
  readonly #streams = new Map<string, NodeStream>();

  constructor(options: ChannelsOptions) {
    this.#options = options;
  }

  /** How many nodes listen now. */
  get listening(): number {
    return this.#streams.size;
  }

  /**
   * What a start of a node hears from now on, as groups of JSON texts: a stream for all its agents. The node's stream before it ends, with
   * `node-cloned` if it was another start's. Throws `node-cloned` if another start speaks for the node.
   */
  async listen(
    node: string,
    { boot, interests }: RelayListen,
    signal: AbortSignal,
  ): Promise<AsyncIterable<readonly string[]>> {
    await this.#assertSpeaks(node, boot);
    const replaced = new AbortController();
    const ended = AbortSignal.any([signal, replaced.signal]);
    const listening = await this.#options.fanout.listen(node, interests, ended);
    const id = randomBytes(16).toString('hex');
    const stream = { boot, id, listening, replaced };
    this.#streams.get(node)?.replaced.abort(boot);
    this.#streams.set(node, stream);
    const forget = (): void => {
      if (this.#streams.get(node) === stream) this.#streams.delete(node);
    };
    if (ended.aborted) forget();
    else ended.addEventListener('abort', forget, { once: true });
    return this.#heard(node, stream);
  }

  /** Changes what a node hears on its stream; tells whether the stream is there. */
  async update(node: string, { boot, listening, changes }: InterestChanges): Promise<{ readonly known: boolean }> {
    await this.#assertSpeaks(node, boot);
    const stream = this.#streams.get(node);
    if (stream?.id !== listening) return { known: false };
    await stream.listening.update(changes);
    return { known: true };
  }

  /** Hands messages of a node to the others that listen. */
  async publish(node: string, { boot, messages }: RelayPublish): Promise<{ readonly taken: number }> {
    const { fanout, metrics } = this.#options;
    await this.#assertSpeaks(node, boot);
    for (const message of messages) {
      const text = JSON.stringify({ ...message, node } satisfies RelayEvent);
      await fanout.publish(message, { text, bytes: text.length }, node);
    }
    metrics.count(messages.length);
    return { taken: messages.length };
  }

  /** Who listens on the other nodes. */
  async present(
    node: string,
    { boot, resource, pattern }: { readonly boot: string; readonly resource: string; readonly pattern: string },
  ): Promise<{ readonly present: ChannelPresence[] }> {
    await this.#assertSpeaks(node, boot);
    const present = await this.#options.fanout.present(resource, pattern);
    return {
      present: present
        .filter(({ owner }) => owner !== node)
        .map(({ owner, agent, listeners }) => ({ node: owner, agent, listeners })),
    };
  }

  async *#heard(node: string, { boot, id, listening, replaced }: NodeStream): AsyncGenerator<readonly string[], void> {
    yield [JSON.stringify({ listening: id } satisfies RelayEvent)];
    for await (const group of listening) yield group.map(({ text }) => text);
    if (replaced.signal.aborted && replaced.signal.reason !== boot) throw cloned(node);
  }

  async #assertSpeaks(node: string, boot: string): Promise<void> {
    const speaker = await this.#options.store.speaker(node);
    if (speaker?.boot !== boot) throw cloned(node);
  }
}
