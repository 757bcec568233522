import { HoldfastError } from '@holdfast/protocol';

/** A message of which the size is known. */
export interface Sized {
  /** What it takes in memory, roughly. */
  readonly bytes: number;
}

/** How much may wait for one listener. One message always may, whatever its size. */
export interface QueueBounds {
  readonly messages: number;
  readonly bytes: number;
}

/** One listener's queue. Taken from by one reader. */
export class Listener<Message extends Sized> implements AsyncIterable<Message> {
  readonly owner: string;
  readonly #bounds: QueueBounds;
  readonly #onOver: () => void;
  #queue: Message[] = [];
  #bytes = 0;
  #wake: (() => void) | undefined;
  #isOver = false;
  #failure: HoldfastError | undefined;

  /** `onOver`: it gets nothing more. */
  constructor(owner: string, bounds: QueueBounds, onOver: () => void) {
    this.owner = owner;
    this.#bounds = bounds;
    this.#onOver = onOver;
  }

  /** Whether it still listens. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** A message for it. */
  give(message: Message): void {
    if (this.#isOver) return;
    const { messages, bytes } = this.#bounds;
    const isFull = this.#queue.length >= messages || this.#bytes + message.bytes > bytes;
    if (isFull && this.#queue.length > 0) return this.#fail();
    this.#queue.push(message);
    this.#bytes += message.bytes;
    this.#rouse();
  }

  /** It does not listen any more: what waits is not wanted. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#queue = [];
    this.#rouse();
    this.#onOver();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Message, void> {
    for (;;) {
      const group = this.#queue;
      this.#queue = [];
      this.#bytes = 0;
      yield* group;
      if (this.#failure !== undefined && this.#queue.length === 0) throw this.#failure;
      if (this.#isOver && this.#queue.length === 0) return;
      if (this.#queue.length === 0) await this.#something();
    }
  }

  // What waited before is still taken: it is what the listener was told it would get.
  #fail(): void {
    this.#failure = new HoldfastError('listener-too-slow', `${this.#queue.length} messages waited to be taken`);
    this.#isOver = true;
    this.#rouse();
    this.#onOver();
  }

  #rouse(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  #something(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }
}
