import { beginningOf, matcherOf } from '@holdfast/live';
import {
  CHANNEL_MESSAGES,
  type Document,
  documentOf,
  HoldfastError,
  limits,
  makeRecordId,
  type Now,
} from '@holdfast/protocol';
import type { Idempotency, StoreOperation } from '@holdfast/store';

import { assertMessageSize, type Channels, type Published } from './channels.ts';
import { keyedBy } from './commander/peer.ts';
import type { Records, Scope } from './records.ts';
import type { Watches } from './shared/watches.ts';

/** Between a channel and the id of a message in a record's id. No channel's name has it. */
const SLASH = '/';
/** When a publisher that finds no room may try again. */
const FULL_RETRY_SECONDS = 60;

/** What durable channels need. */
export interface DurableChannelsOptions {
  readonly channels: Pick<Channels, 'publisher' | 'reach' | 'tell'>;
  readonly records: Pick<Records, 'write'>;
  /** How many durable messages this node keeps. */
  readonly kept: () => number;
  readonly watches: Pick<Watches, 'changes'>;
  readonly now: Now;
  /** Makes a message's id. Default: a random one. */
  readonly makeId?: () => string;
}

/** How a message is kept. */
export interface DurableWish {
  /** Default `limits.durableMessageSeconds`. */
  readonly ttlSeconds?: number | undefined;
  /** The same request again gives the first message's id, and is told to nobody. */
  readonly idempotency?: Idempotency | undefined;
}

/** A durable message as an event: the place from which a listener goes on after it and all before it, and the message as JSON text. */
export interface KeptMessage {
  readonly id: string;
  readonly data: string;
}

/**
 * Channels whose messages are kept: records that all nodes share, so that they reach every node by the feed, also after an outage.
 * Each listener reads them from this node's file, at its own pace and from its own place.
 */
export class DurableChannels {
  readonly #options: DurableChannelsOptions;

  constructor(options: DurableChannelsOptions) {
    this.#options = options;
  }

  /**
   * Publishes a value; resolves once it is on the disk. Those who listen now are told of it too, once at most. Throws `body-too-large`,
   * `unsafe-document`, `too-many-requests` when too many are kept, and what `Records.write` throws.
   */
  async publish(scope: Scope, channel: string, message: Document, wish: DurableWish): Promise<Published> {
    const { channels, records, now, makeId = makeRecordId } = this.#options;
    assertMessageSize(message.text);
    this.#assertRoom();
    const { ttlSeconds = limits.durableMessageSeconds } = wish;
    const id = makeId();
    const document = documentOf({ channel, from: channels.publisher(scope.agent), value: message.value }, message.text);
    const operation: StoreOperation = {
      op: 'put',
      collection: CHANNEL_MESSAGES,
      id: `${channel}${SLASH}${id}`,
      document,
      expiresAtMs: now() + ttlSeconds * 1000,
    };
    const idempotency = keyedBy(scope.agent, wish.idempotency);
    const { results } = await records.write(
      scope,
      { operations: [operation], ...(idempotency && { idempotency }) },
      { ack: 'local', timeoutMs: 0 },
    );
    const kept = partsOf(results[0]?.id ?? '').id;
    // Under a key that was used before it is the message of that time, and was told then.
    if (kept !== id) return { id: kept, listeners: 0, reach: channels.reach };
    return channels.tell(scope, channel, { id, text: message.text });
  }

  /**
   * The messages that are kept on the channels a pattern covers, after a place, then those that come, until `signal` aborts; none twice
   * and none left out. Without a place, and with one of another file, from the beginning. What expires before it is read is not among them.
   */
  async *listen(
    { resource }: Pick<Scope, 'resource'>,
    pattern: string,
    after: string | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<KeptMessage> {
    const { watches, now } = this.#options;
    const covers = matcherOf(pattern);
    const beginning = beginningOf(pattern);
    const prefix = beginning === pattern ? `${pattern}${SLASH}` : beginning;
    const scope = { resource, collection: CHANNEL_MESSAGES, prefix };
    for await (const { record, place } of watches.changes(scope, after, signal)) {
      const { channel, id } = partsOf(record.id);
      const { text, expiresAtMs } = record;
      if (text === null || (expiresAtMs ?? Infinity) <= now() || !covers(channel)) continue;
      // The rest is the record's text as it is: nobody reads the value on the way.
      yield { id: place, data: `{"id":${JSON.stringify(id)},${text.slice(1)}` };
    }
  }

  #assertRoom(): void {
    if (this.#options.kept() < limits.durableMessages) return;
    const detail = `${limits.durableMessages} durable messages are kept; the first to expire make room`;
    throw new HoldfastError('too-many-requests', detail, { retryAfterSeconds: FULL_RETRY_SECONDS });
  }
}

function partsOf(recordId: string): { readonly channel: string; readonly id: string } {
  const at = recordId.lastIndexOf(SLASH);
  return { channel: recordId.slice(0, at), id: recordId.slice(at + 1) };
}
