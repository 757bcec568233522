import { limits, type SentMessage } from '@holdfast/protocol';

/** Bytes of messages sent at once; one may go over. */
const BATCH_BYTES = 1024 * 1024;
/** What may wait to be sent. */
const QUEUE_BYTES = 8 * 1024 * 1024;
const QUEUE_MESSAGES = 16_384;

/** Sends messages; resolves with whether the relay took them. */
export type SendMessages = (messages: readonly SentMessage[]) => Promise<boolean>;

/** Sends messages to the relay in order: one call at a time, and in it all that came since the one before. Each once at most. */
export class MessageSender {
  readonly #send: SendMessages;
  readonly #onSent: (what: 'sent' | 'lost', messages: number) => void;
  #queue: SentMessage[] = [];
  #bytes = 0;
  #isSending = false;

  constructor(send: SendMessages, onSent: (what: 'sent' | 'lost', messages: number) => void) {
    this.#send = send;
    this.#onSent = onSent;
  }

  /** Takes a message along; false: too many wait. */
  add(message: SentMessage): boolean {
    if (this.#queue.length >= QUEUE_MESSAGES || this.#bytes >= QUEUE_BYTES) return false;
    this.#queue.push(message);
    this.#bytes += message.text.length;
    if (!this.#isSending) void this.#sendAll();
    return true;
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    // What is published in the same turn goes together.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const batch = this.#next();
      this.#onSent((await this.#send(batch)) ? 'sent' : 'lost', batch.length);
    }
    this.#isSending = false;
  }

  #next(): readonly SentMessage[] {
    let count = 0;
    let bytes = 0;
    for (; count < Math.min(this.#queue.length, limits.messagesAtOnce) && bytes < BATCH_BYTES; count += 1) {
      bytes += this.#queue[count]?.text.length ?? 0;
    }
    const batch = this.#queue.slice(0, count);
    this.#queue = this.#queue.slice(count);
    this.#bytes -= bytes;
    return batch;
  }
}
