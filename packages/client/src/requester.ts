import type { Json } from '@holdfast/protocol';

import { HoldfastProblem, HoldfastUnreachable } from './errors.ts';
import { neverConnected } from './network-failure.ts';
import { problemOf } from './problem.ts';
import { type Failure, inconclusive, isFailure, mayBeDone, mayRepeat, type Repeat, retryDelayMs } from './retry.ts';
import { sleep } from './sleep.ts';
import { type ConnectOptions, resolveSettings, type ServicePlace, type Settings } from './settings.ts';
import { type Fetch, type FetchInit, fetchTransport, socketTransport, type Transport } from './transport.ts';

/** What a service says of itself. */
export interface Readiness {
  readonly ready: boolean;
  /** `/readyz?verbose` as the service gave it; undefined if it was not JSON. */
  readonly report: Json | undefined;
}

/** A request, complete but for what every request carries. */
export interface Outgoing {
  readonly method: string;
  /** Path and query string, encoded. */
  readonly target: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | ReadableStream<Uint8Array> | undefined;
  readonly repeat: Repeat;
  /** Milliseconds the service was asked to wait before it answers; added to the time limit. */
  readonly waitMs?: number | undefined;
  /** Ends the request, with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A success, read to its end. */
export interface Reply {
  /** 204 also when a repeated DELETE found its work done. */
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Sends requests: time limits, repetitions, problems. The one place that talks to the network. */
export class Requester {
  /** Milliseconds one attempt may take. */
  readonly timeoutMs: number;
  readonly #settings: Settings;
  readonly #transport: Transport;
  readonly #random: () => number;
  readonly #sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly #underWay = new Set<AbortController>();
  readonly #closing = new AbortController();

  constructor(place: ServicePlace, options: ConnectOptions) {
    this.#settings = resolveSettings(place, options);
    this.timeoutMs = this.#settings.timeoutMs;
    this.#transport = transportOf(this.#settings.socket, options.fetch);
    this.#random = options.random ?? Math.random;
    this.#sleep = options.sleep ?? sleep;
  }

  /** Sends a request, and again as its `repeat` allows. Throws `HoldfastProblem`, `HoldfastUnreachable`. */
  async send(request: Outgoing): Promise<Reply> {
    let earlierMayBeDone = false;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#attempt(request);
      } catch (error) {
        if (!isFailure(error)) throw error;
        if (earlierMayBeDone && deletedBefore(request, error)) return { status: 204, headers: new Headers(), text: '' };
        const delayMs = this.#delayMs(request, error, attempt);
        if (delayMs === undefined) throw earlierMayBeDone ? inconclusive(error, request.repeat) : error;
        earlierMayBeDone ||= request.repeat !== 'free' && mayBeDone(error);
        await this.#pause(delayMs, earlierMayBeDone, request.signal);
      }
    }
  }

  /**
   * Sends a request once and gives its answer unread. `controller` ends it, also while the answer is read, with its reason as
   * the error; the caller hands it back to `release`. Throws `HoldfastProblem`, `HoldfastUnreachable`.
   */
  async open(request: Outgoing, controller: AbortController): Promise<Response> {
    const response = await this.#fetch(request, controller);
    if (response.ok) return response;
    throw problemOf(response.status, response.headers, await readText(response, controller.signal));
  }

  /** Asks `/readyz`, once. */
  async ready(): Promise<Readiness> {
    const request: Outgoing = { method: 'GET', target: '/readyz?verbose', headers: {}, repeat: 'free' };
    return this.#limited(this.timeoutMs, async (controller) => {
      const response = await this.#fetch(request, controller);
      const text = await readText(response, controller.signal);
      if (!response.ok && response.status !== 503) throw problemOf(response.status, response.headers, text);
      return { ready: response.ok, report: jsonOrNothing(text) };
    });
  }

  /**
   * Waits before a stream that ended with `failure` is opened again, after so many failures in a row; `signal` ends the wait.
   * Throws the failure if it will not pass, or `isLimited` and it was tried as often as any call.
   */
  async pauseAfter(
    failure: Failure,
    failures: number,
    { isLimited, signal }: { readonly isLimited: boolean; readonly signal: AbortSignal | undefined },
  ): Promise<void> {
    const isTriedEnough = isLimited && failures >= this.#settings.retries;
    const mayPass = !this.#closing.signal.aborted && mayRepeat(failure, 'free');
    const delayMs = !isTriedEnough && mayPass ? retryDelayMs(failure, failures, this.#random) : undefined;
    if (delayMs === undefined) throw failure;
    const ends = signal === undefined ? this.#closing.signal : AbortSignal.any([this.#closing.signal, signal]);
    try {
      await this.#sleep(delayMs, ends);
    } catch (cause) {
      if (this.#closing.signal.aborted) throw closed('not-sent');
      if (signal?.aborted !== true) throw cause;
    }
  }

  /** A controller that `close` aborts too, until it is released. */
  hold(): AbortController {
    const controller = new AbortController();
    this.#underWay.add(controller);
    return controller;
  }

  /** Ends what `hold` began. */
  release(controller: AbortController): void {
    this.#underWay.delete(controller);
  }

  /** Ends requests under way with `HoldfastUnreachable` and frees connections. */
  async close(): Promise<void> {
    this.#closing.abort(closed('unknown'));
    for (const controller of this.#underWay) controller.abort(this.#closing.signal.reason);
    await this.#transport.close();
  }

  async #attempt(request: Outgoing): Promise<Reply> {
    const { signal } = request;
    return this.#limited(this.timeoutMs + (request.waitMs ?? 0), async (controller) => {
      signal?.throwIfAborted();
      const end = (): void => controller.abort(signal?.reason);
      signal?.addEventListener('abort', end, { once: true });
      try {
        const response = await this.open(request, controller);
        const text = await readText(response, controller.signal);
        return { status: response.status, headers: response.headers, text };
      } finally {
        signal?.removeEventListener('abort', end);
      }
    });
  }

  async #limited<T>(limitMs: number, work: (controller: AbortController) => Promise<T>): Promise<T> {
    const controller = this.hold();
    const late = (): void => controller.abort(unanswered(`no answer from ${this.#settings.base} within ${limitMs} ms`));
    const timer = setTimeout(late, limitMs);
    try {
      return await work(controller);
    } finally {
      clearTimeout(timer);
      this.release(controller);
    }
  }

  async #fetch(request: Outgoing, { signal }: AbortController): Promise<Response> {
    if (this.#closing.signal.aborted) throw closed('not-sent');
    const init: FetchInit = {
      method: request.method,
      headers: { ...this.#settings.headers, ...request.headers },
      body: request.body ?? null,
      // A redirect could lead the token to another host.
      redirect: 'manual',
      credentials: 'omit',
      cache: 'no-store',
      signal,
      ...(typeof request.body === 'object' && { duplex: 'half' }),
    };
    try {
      return await this.#transport.fetch(`${this.#settings.base}${request.target}`, init);
    } catch (cause) {
      signal.throwIfAborted();
      const outcome = neverConnected(cause) ? 'not-sent' : 'unknown';
      throw new HoldfastUnreachable(`no connection to ${this.#place()}`, outcome, cause);
    }
  }

  #place(): string {
    return this.#settings.socket ?? this.#settings.base;
  }

  #delayMs(request: Outgoing, failure: Failure, attempt: number): number | undefined {
    if (attempt >= this.#settings.retries || this.#closing.signal.aborted) return undefined;
    return mayRepeat(failure, request.repeat) ? retryDelayMs(failure, attempt, this.#random) : undefined;
  }

  async #pause(delayMs: number, earlierMayBeDone: boolean, signal?: AbortSignal): Promise<void> {
    const { signal: closing } = this.#closing;
    try {
      await this.#sleep(delayMs, signal === undefined ? closing : AbortSignal.any([closing, signal]));
    } catch (cause) {
      if (this.#closing.signal.aborted) throw closed(earlierMayBeDone ? 'unknown' : 'not-sent');
      throw cause;
    }
  }
}

function transportOf(socket: string | undefined, fetch: Fetch | undefined): Transport {
  return socket === undefined || fetch ? fetchTransport(fetch) : socketTransport(socket);
}

/** Reads an answer to its end; one that was cut is an outcome unknown. */
async function readText(response: Response, signal: AbortSignal): Promise<string> {
  try {
    return await response.text();
  } catch (cause) {
    signal.throwIfAborted();
    throw unanswered('the answer was cut short', cause);
  }
}

function deletedBefore(request: Outgoing, failure: Failure): boolean {
  return request.method === 'DELETE' && failure instanceof HoldfastProblem && failure.status === 404;
}

function unanswered(message: string, cause?: unknown): HoldfastUnreachable {
  return new HoldfastUnreachable(message, 'unknown', cause);
}

function closed(outcome: 'not-sent' | 'unknown'): HoldfastUnreachable {
  return new HoldfastUnreachable('the client was closed', outcome);
}

function jsonOrNothing(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
