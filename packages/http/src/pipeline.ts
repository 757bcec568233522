import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

import { type ErrorCode, HoldfastError, type Now } from '@holdfast/protocol';
import type { Logger } from 'pino';

import { assertRole, identify } from './authorize.ts';
import type { Answer, ServerEvents } from './call.ts';
import type { EventStreams } from './event-streams.ts';
import { catalogued, problemAnswer } from './failure.ts';
import type { BodyBounds } from './gather.ts';
import { assertHost, assertNoPage } from './guards.ts';
import type { Authenticate, Identity } from './identity.ts';
import { LiveCall } from './live-call.ts';
import type { HttpMetrics } from './metrics.ts';
import { type BodyPlan, openBody, planBody } from './request-body.ts';
import { type Match, readParams, readQuery, type RouteTable } from './routing.ts';
import { breakOff, send } from './send.ts';

/** What requests pass through. */
export interface PipelineOptions<Who extends Identity> {
  readonly table: RouteTable;
  readonly authenticate: Authenticate<Who>;
  readonly allowedHosts: () => ReadonlySet<string>;
  readonly bounds: BodyBounds;
  readonly metrics: HttpMetrics;
  readonly streams: EventStreams;
  readonly log: Logger;
  readonly now: Now;
}

/** How a request came in: over TCP the Host header is checked. */
export type Transport = 'tcp' | 'socket';

/** One request on its way, and what is known of it by now. */
interface Passage<Who extends Identity> {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly transport: Transport;
  readonly call: LiveCall<Who>;
  match: Match | undefined;
  closeBody: () => void;
  /** Whether the client was told to go on with its body, or never asked. */
  continued: boolean;
}

/**
 * The way of every request, in this order: stopping, Host, web pages, route, media type, encoding, token, role,
 * parameters, body, handler, answer.
 */
export class Pipeline<Who extends Identity> {
  readonly #options: PipelineOptions<Who>;
  readonly #idPrefix: string = randomBytes(4).toString('hex');
  readonly #makeId = (): string => `${this.#idPrefix}-${(this.#identified += 1).toString(36)}`;
  #identified = 0;
  #isStopping = false;

  constructor(options: PipelineOptions<Who>) {
    this.#options = options;
  }

  /** From now on every new request is refused, and every answer is its connection's last. Event streams end. */
  stop(): void {
    this.#isStopping = true;
    this.#options.streams.stop();
  }

  /** Answers a request; an event stream goes on after it was begun. Never rejects. */
  async serve(request: IncomingMessage, response: ServerResponse, transport: Transport): Promise<void> {
    const { metrics, now } = this.#options;
    const startedMs = now();
    metrics.begin();
    const passage: Passage<Who> = {
      request,
      response,
      transport,
      call: new LiveCall<Who>(request, response, this.#makeId),
      match: undefined,
      closeBody: nothingToClose,
      continued: request.headers.expect === undefined,
    };
    let status: number;
    try {
      status = await this.#pass(passage);
    } catch (error) {
      status = await this.#refuse(passage, catalogued(error));
    }
    const durationMs = now() - startedMs;
    metrics.end(passage.match?.entry.id ?? 'none', status, durationMs);
    this.#logAnswer(passage, status, durationMs);
  }

  async #pass(passage: Passage<Who>): Promise<number> {
    const { request, call } = passage;
    this.#guard(passage);
    const cut = target(request).indexOf('?');
    const match = this.#options.table.find(
      request.method ?? '',
      cut === -1 ? target(request) : target(request).slice(0, cut),
    );
    passage.match = match;
    const { access, route, handler } = match.entry;
    const plan = route.body && planBody(request, route.body);
    if (access !== 'open') {
      const identity = identify(this.#options.authenticate, call.header);
      call.identity = identity instanceof Promise ? await identity : identity;
      assertRole(call.identity, access);
    }
    call.params = readParams(match);
    call.query = readQuery(match.entry, cut === -1 ? '' : target(request).slice(cut + 1));
    if (plan !== undefined) await this.#openBody(passage, plan);
    // The call was made from the very route the handler is typed by; see Entry.
    const answer = handler(call as never);
    return this.#send(passage, answer instanceof Promise ? await answer : answer, route.status);
  }

  #guard({ request, transport }: Passage<Who>): void {
    if (this.#isStopping) throw new HoldfastError('shutting-down', 'the service is stopping', { retryAfterSeconds: 1 });
    if (transport === 'tcp') assertHost(request, this.#options.allowedHosts());
    assertNoPage(request.headers);
    if (UNPRINTABLE.test(target(request))) {
      throw new HoldfastError('invalid-request', 'the request target must be printable ASCII, percent-encoded');
    }
  }

  async #openBody(passage: Passage<Who>, plan: BodyPlan): Promise<void> {
    const { request, response, call } = passage;
    const body = await openBody(request, plan, this.#options.bounds, () => {
      if (!passage.continued) response.writeContinue();
      passage.continued = true;
    });
    passage.closeBody = body.close;
    call.body = body.value;
  }

  async #send(passage: Passage<Who>, answer: Answer, routeStatus: number): Promise<number> {
    const { request, response, closeBody, continued } = passage;
    const status = answer.status ?? routeStatus;
    if (answer.events !== undefined) {
      this.#follow(passage, answer.events, { status, headers: answer.headers });
      return status;
    }
    const stallMs = this.#options.bounds.waitMs;
    const options = { status, close: this.#isStopping, bodyHeldBack: !continued, stallMs, closeBody };
    await send(request, response, answer, options);
    return status;
  }

  #follow(
    { request, response, call, match, closeBody }: Passage<Who>,
    events: ServerEvents,
    head: { readonly status: number; readonly headers: Answer['headers'] },
  ): void {
    closeBody();
    const { authenticate, streams } = this.#options;
    const { requestId } = call;
    // A token may be taken back while a stream lasts.
    const recheck = async (): Promise<void> => {
      const access = match?.entry.access ?? 'open';
      if (access !== 'open') assertRole(await identify(authenticate, call.header), access);
    };
    streams.open(request, response, { events, head, requestId, recheck, onEnd: () => call.end() });
  }

  async #refuse(passage: Passage<Who>, error: HoldfastError): Promise<number> {
    const { request, response, call, match } = passage;
    const { status } = error.kind;
    if (status >= 500 && !TOLD_ELSEWHERE.has(error.code)) {
      const fields = { route: match?.entry.id, requestId: call.requestId, code: error.code, err: error.cause ?? error };
      this.#options.log.warn(fields, 'request failed');
    }
    passage.closeBody();
    if (response.headersSent) await breakOff(request, response);
    else if (!response.destroyed) await this.#send(passage, problemAnswer(error, call.requestId), status);
    return status;
  }

  #logAnswer({ request, call, match }: Passage<Who>, status: number, durationMs: number): void {
    const { log } = this.#options;
    if (!log.isLevelEnabled('debug')) return;
    const route = match?.entry.id;
    log.debug({ method: request.method, route, status, ms: durationMs, requestId: call.requestId }, 'request');
  }
}

/** Conditions that last and are told elsewhere, in the log once when they begin, or by a status: not with every request they meet. */
const TOLD_ELSEWHERE: ReadonlySet<ErrorCode> = new Set([
  'disk-full',
  'storage-read-only',
  'file-damaged',
  'agent-restoring',
  'node-unreachable',
  'shutting-down',
]);

const UNPRINTABLE = /[^\x21-\x7e]/;

function target(request: IncomingMessage): string {
  return request.url ?? '/';
}

function nothingToClose(): void {
  // No body was opened.
}
