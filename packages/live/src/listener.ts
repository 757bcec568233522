import { HoldfastError } from '@holdfast/protocol';

import { atEndOfTurn } from './turn.ts';

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

/** One listener's queue, and its one reader, which gets all that came in a turn of the event loop at once. */
export class Listener<Message extends Sized> {
  readonly owner: string;
  readonly #bounds: QueueBounds;
  readonly #onOver: () => void;
  readonly #wake = (): void => {
    this.#isWoken = false;
    this.#resolve?.();
    this.#resolve = undefined;
  };
  #queue: Message[] = [];
  #bytes = 0;
  #resolve: (() => void) | undefined;
  #isWoken = false;
  #isOver = false;
  #failure: HoldfastError | undefined;

  /** `onOver`: it gets nothing more. */
  constructor(owner: string, bounds: QueueBounds, onOver: () => void) {
    this.owner = owner;
    this.#bounds = bounds;
    this.#onOver = onOver;
  }

  /** Whether it does not listen any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** A message for it. */
  give(message: Message): void {
    if (this.#isOver) return;
    const { messages, bytes } = this.#bounds;
    const waiting = this.#queue.length;
    if (waiting > 0 && (waiting >= messages || this.#bytes + message.bytes > bytes)) {
      return this.#finish(new HoldfastError('listener-too-slow', `${waiting} messages waited to be taken`));
    }
    this.#queue.push(message);
    this.#bytes += message.bytes;
    this.#rouse();
  }

  /** It does not listen any more: what waits is not wanted. */
  end(): void {
    if (this.#isOver) return;
    this.#queue = [];
    this.#finish(undefined);
  }

  /** What it was given, in groups, none of them empty; then the failure, if it was too slow. */
  async *groups(): AsyncGenerator<readonly Message[], void> {
    for (;;) {
      const group = this.#queue;
      this.#queue = [];
      this.#bytes = 0;
      if (group.length > 0) yield group;
      else if (this.#failure !== undefined) throw this.#failure;
      else if (this.#isOver) return;
      else await new Promise<void>((resolve) => (this.#resolve = resolve));
    }
  }

  // What waits is still taken before the failure is thrown: it is what the listener was told it would get.
  #finish(failure: HoldfastError | undefined): void {
    this.#failure = failure;
    this.#isOver = true;
    this.#rouse();
    this.#onOver();
  }

  #rouse(): void {
    if (this.#isWoken) return;
    this.#isWoken = true;
    atEndOfTurn(this.#wake);
  }
}
