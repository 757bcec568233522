import { textPieces } from './answer-text.ts';
import { HoldfastUnreachable } from './errors.ts';
import { EventParser, type RawEvent } from './event-parser.ts';
import { problemOf, unexpectedAnswer } from './problem.ts';
import type { Outgoing, Requester } from './requester.ts';
import { isFailure } from './retry.ts';
import { SilenceWatch } from './silence.ts';

/** How to listen. */
export interface ListenOptions {
  /** Ends the listening: the loop over the events ends, without an error. */
  readonly signal?: AbortSignal | undefined;
}

/** How to listen, and from where. */
export interface ResumeOptions extends ListenOptions {
  /** The id of the last event that was seen. */
  readonly after?: string | undefined;
}

/** Services send a sign of life so often. */
const HEARTBEAT_MS = 15_000;
/** The event a service ends a stream with. */
const END_EVENT = 'end';

/** Reads one event stream over as many connections as it takes. */
export class EventReader {
  readonly #requester: Requester;
  readonly #request: Outgoing;
  readonly #signal: AbortSignal | undefined;
  #after: string;
  #wasOpen = false;
  /** Failures in a row. */
  #failures = 0;

  constructor(requester: Requester, request: Outgoing, { signal, after = '' }: ResumeOptions) {
    this.#requester = requester;
    this.#request = request;
    this.#signal = signal;
    this.#after = after;
  }

  /** The events, over cuts, until `signal` aborts. Throws what cannot be mended by opening the stream again. */
  async *events(): AsyncGenerator<RawEvent, void> {
    while (!this.#isEnded()) {
      try {
        yield* this.#connection();
      } catch (error) {
        if (this.#isEnded()) return;
        if (!isFailure(error)) throw error;
        await this.#requester.pauseAfter(error, this.#failures, { isLimited: !this.#wasOpen, signal: this.#signal });
        this.#failures += 1;
      }
    }
  }

  #isEnded(): boolean {
    return this.#signal?.aborted === true;
  }

  async *#connection(): AsyncGenerator<RawEvent, never> {
    const controller = this.#requester.hold();
    const abort = (): void => controller.abort(this.#signal?.reason);
    this.#signal?.addEventListener('abort', abort, { once: true });
    const silence = this.#watch(controller);
    try {
      silence.heard();
      const response = await this.#open(controller);
      yield* this.#read(response, controller.signal, silence);
      throw cut('the event stream was cut');
    } finally {
      silence.pause();
      this.#signal?.removeEventListener('abort', abort);
      controller.abort();
      this.#requester.release(controller);
    }
  }

  async #open(controller: AbortController): Promise<Response> {
    const { headers } = this.#request;
    const resumed = this.#after === '' ? {} : { 'last-event-id': this.#after };
    const request = { ...this.#request, headers: { ...headers, accept: 'text/event-stream', ...resumed } };
    const response = await this.#requester.open(request, controller);
    const type = response.headers.get('content-type') ?? '';
    if (!type.startsWith('text/event-stream')) throw unexpectedAnswer(response.status, 'no event stream');
    this.#wasOpen = true;
    return response;
  }

  async *#read(response: Response, signal: AbortSignal, silence: SilenceWatch): AsyncGenerator<RawEvent, void> {
    const parser = new EventParser(this.#after);
    let isFirst = true;
    for await (const piece of textPieces(response, signal)) {
      silence.pause();
      if (!isFirst) this.#failures = 0;
      isFirst = false;
      for (const event of parser.take(piece)) {
        if (event.event === END_EVENT) throw problemOf(response.status, new Headers(), event.data);
        this.#after = event.id;
        yield event;
      }
      this.#after = parser.place;
      silence.resume();
    }
  }

  #watch(controller: AbortController): SilenceWatch {
    const limitMs = this.#requester.timeoutMs + HEARTBEAT_MS;
    return new SilenceWatch(
      limitMs,
      () => true,
      () => controller.abort(cut(`nothing came for ${limitMs} ms`)),
    );
  }
}

function cut(message: string): HoldfastUnreachable {
  return new HoldfastUnreachable(message, 'unknown');
}
