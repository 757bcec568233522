import type { IncomingMessage } from 'node:http';

import { HoldfastError } from '@holdfast/protocol';

interface Waiter {
  readonly resolve: (chunk: Buffer | undefined) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The bytes of a request's body, chunk by chunk as they come, with back-pressure: while nobody asks, nothing is read.
 * Unlike Node's own iteration it leaves the connection alone when it fails, so that an answer can still be sent.
 */
export class Inbox {
  readonly #request: IncomingMessage;
  readonly #pauseMs: number;
  readonly #queue: Buffer[] = [];
  #waiter: Waiter | undefined;
  #ended = false;
  #closed = false;
  #failure: HoldfastError | undefined;

  /** `pauseMs`: the longest wait between two chunks. */
  constructor(request: IncomingMessage, pauseMs: number) {
    this.#request = request;
    this.#pauseMs = pauseMs;
    if (request.destroyed) this.#failure = incomplete();
    else request.on('data', this.#take).on('end', this.#end).on('close', this.#cut);
  }

  /** The next chunk; undefined at the end. Throws `body-incomplete`, `request-timeout`. One call at a time. */
  next(): Promise<Buffer | undefined> {
    const chunk = this.#queue.shift();
    if (chunk !== undefined) return Promise.resolve(chunk);
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#ended) return Promise.resolve(undefined);
    return this.#wait();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    for (let chunk = await this.next(); chunk !== undefined; chunk = await this.next()) yield chunk;
  }

  /** Takes no more: a pending or later `next` ends. What comes stays with the request, which is left paused. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#request.off('data', this.#take).off('end', this.#end).off('close', this.#cut);
    this.#request.pause();
    this.#queue.length = 0;
    this.#settle();
  }

  async #wait(): Promise<Buffer | undefined> {
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<Buffer | undefined>((resolve, reject) => {
        this.#waiter = { resolve, reject };
        timer = setTimeout(() => this.#fail(tooSlow(this.#pauseMs)), this.#pauseMs);
        this.#request.resume();
      });
    } finally {
      clearTimeout(timer);
    }
  }

  readonly #take = (chunk: Buffer): void => {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (waiter) waiter.resolve(chunk);
    else this.#queue.push(chunk);
    this.#request.pause();
  };

  readonly #end = (): void => this.#settle();

  readonly #cut = (): void => {
    if (!this.#ended) this.#fail(incomplete());
  };

  #settle(): void {
    this.#ended = true;
    this.#waiter?.resolve(undefined);
    this.#waiter = undefined;
  }

  #fail(error: HoldfastError): void {
    this.#failure ??= error;
    this.#waiter?.reject(this.#failure);
    this.#waiter = undefined;
  }
}

/** The body took longer than `limitMs`. */
export function tooSlow(limitMs: number): HoldfastError {
  return new HoldfastError('request-timeout', `the body kept the service waiting for over ${limitMs / 1000} s`);
}

/** The connection went away before the body was whole. */
export function incomplete(): HoldfastError {
  return new HoldfastError('body-incomplete', 'the connection closed before the whole body had come');
}
