import type { IncomingMessage, ServerResponse } from 'node:http';

import { HoldfastError, limits } from '@holdfast/protocol';
import type { Logger } from 'pino';

import type { Answer, ServerEvents } from './call.ts';
import { EventStream } from './event-stream.ts';
import { catalogued } from './failure.ts';
import type { HttpMetrics } from './metrics.ts';
import { headOf } from './send.ts';

/** What bounds the event streams of a service. */
export interface EventStreamsOptions {
  /** Streams open at once. */
  readonly limit: number;
  /** A reader that takes nothing for so long, while something waits for it, is cut off. */
  readonly stallMs: number;
  readonly metrics: HttpMetrics;
  readonly log: Logger;
}

/** An answer that is an event stream. */
interface EventAnswer {
  readonly events: ServerEvents;
  readonly head: { readonly status: number; readonly headers: Answer['headers'] };
  readonly requestId: string;
  /** Throws, or rejects, when the reader may not listen any more; asked with each heartbeat. */
  readonly recheck: () => void | Promise<void>;
  /** Called when the stream ended, whoever ended it, and when it was refused. */
  readonly onEnd: () => void;
}

const TICK_MS = 1_000;

/** The event streams of a service: how many there are, their heartbeats, and their end when the service stops. */
export class EventStreams {
  readonly #options: EventStreamsOptions;
  /** The streams by the second in which their hearts beat, so that thousands do not all at once. */
  readonly #turns: readonly Set<EventStream>[] = Array.from({ length: limits.eventHeartbeatSeconds }, () => new Set());
  #open = 0;
  #opened = 0;
  #ticks = 0;
  #ticker: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: EventStreamsOptions) {
    this.#options = options;
  }

  /** Begins to answer with events, and goes on by itself. Throws `too-many-listeners`; then nothing was sent. */
  open(request: IncomingMessage, response: ServerResponse, answer: EventAnswer): void {
    if (response.destroyed) return answer.onEnd();
    if (this.#open >= this.#options.limit) {
      answer.onEnd();
      const detail = `${this.#open} event streams are open`;
      throw new HoldfastError('too-many-listeners', detail, { retryAfterSeconds: 1 });
    }
    const { status, headers } = answer.head;
    const own = ['content-type', 'text/event-stream', 'cache-control', 'no-store'];
    response.writeHead(status, [...headOf(headers, this.#isStopped), ...own]);
    if (request.method === 'HEAD') {
      response.end();
      return answer.onEnd();
    }
    this.#begin(response, answer);
  }

  /** Ends all streams, and those opened later at once. */
  stop(): void {
    this.#isStopped = true;
    for (const turn of this.#turns) for (const stream of turn) stream.end(stopping());
  }

  #begin(response: ServerResponse, answer: EventAnswer): void {
    const { metrics, stallMs } = this.#options;
    const turn = this.#turns[this.#opened % this.#turns.length] ?? new Set();
    const stream = new EventStream(response, {
      stallMs,
      requestId: answer.requestId,
      recheck: answer.recheck,
      catalogue: (error) => this.#catalogue(error, answer.requestId),
      onEnd: (reason) => {
        turn.delete(stream);
        this.#left();
        metrics.endStream(reason instanceof HoldfastError ? reason.code : reason);
        answer.onEnd();
      },
    });
    turn.add(stream);
    this.#entered();
    metrics.beginStream();
    void stream.run(answer.events);
    if (this.#isStopped) stream.end(stopping());
  }

  #entered(): void {
    this.#open += 1;
    this.#opened += 1;
    this.#ticker ??= setInterval(() => this.#tick(), TICK_MS).unref();
  }

  #left(): void {
    this.#open -= 1;
    if (this.#open > 0) return;
    clearInterval(this.#ticker);
    this.#ticker = undefined;
  }

  #tick(): void {
    this.#ticks += 1;
    for (const stream of this.#turns[this.#ticks % this.#turns.length] ?? []) void stream.beat();
  }

  #catalogue(error: unknown, requestId: string): HoldfastError {
    const told = catalogued(error);
    if (told.code === 'internal') {
      this.#options.log.warn({ requestId, code: told.code, err: told.cause ?? told }, 'event stream failed');
    }
    return told;
  }
}

function stopping(): HoldfastError {
  return new HoldfastError('shutting-down', 'the service is stopping');
}
