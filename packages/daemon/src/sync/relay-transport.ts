import { promisify } from 'node:util';
import { constants, zstdCompress } from 'node:zlib';

import {
  batchReceiptSchema,
  bucketsSchema,
  callOutcomeSchema,
  callReceiptSchema,
  copyPageSchema,
  cursorSchema,
  feedPageSchema,
  immediateReceiptSchema,
  interestReceiptSchema,
  joinAnswerSchema,
  limits,
  networkLockAnswers,
  PROTOCOL_VERSION,
  publishReceiptSchema,
  relayPresenceAnswerSchema,
  sessionAnswerSchema,
  streamPageSchema,
  takenCallsSchema,
} from '@holdfast/protocol';
import { Agent, type Dispatcher, request } from 'undici';
import { z } from 'zod';

import { eventsIn } from './event-texts.ts';
import type { CopyRange, EncodedBatch, FeedRange, Join, NotDone, Outcome, Transport } from './transport.ts';

/** Below this a body is sent as it is: compressing would not pay. */
const COMPRESS_FROM_BYTES = 1024;
/** Answers are small but for stream pages; one beyond this is nonsense. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** Longest part of a relay's own words that is kept: they end in the log and in the status. */
const MAX_REASON_CHARACTERS = 300;

const REFUSALS = new Set([401, 403, 404, 426]);

/** Codes of Node and undici for a connection that did not come about. */
const CONNECT_FAILURES = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Why a credential that was good may not be any more (protocol rule 7): what this node never sent is to be kept. */
const REPLACED = 'if another machine took the place of this node, `holdfast node reidentify` keeps what it never sent';

/** See `RelayAnswerJson`. Documents are not looked at: that would hold up everybody else on the node. */
const relayAnswerJson = z.record(z.string(), z.unknown());

const compress = promisify(zstdCompress);

/** A call to the relay as it travels. */
export interface RelayCall {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly token: string;
  readonly contentType?: string;
  readonly body?: string;
  /** A body encoded before. */
  readonly encoded?: EncodedBatch;
  readonly signal?: AbortSignal;
  /** How long the relay may keep the answer back, beyond what it takes for any. */
  readonly patienceMs?: number;
}

/** An answer as it travels. `retryAfter` is the header. */
export interface RelayAnswer {
  readonly status: number;
  readonly text: string;
  readonly retryAfter: string | undefined;
}

/** What carries calls to the relay and answers back. */
export interface RelayExchange {
  /** Puts a body into the form it travels in. */
  encode(body: string): Promise<EncodedBatch>;
  /** Sends a call; `sent` is its body. Rejects when no whole answer came. */
  send(call: RelayCall, sent: EncodedBatch | undefined): Promise<RelayAnswer>;
  /**
   * Opens an event stream and hands out the data of each event. Resolves with the refusal, or with the problem the relay ended the
   * stream with. Rejects when it was cut.
   */
  follow(call: RelayCall, sent: EncodedBatch | undefined, onData: (data: string) => void): Promise<RelayAnswer>;
  /** Cuts every connection. */
  close(): Promise<void>;
}

/** Where the relay is, who we are there, and how long to wait for it. */
export interface RelayTransportOptions {
  readonly url: string;
  readonly credential: string;
  readonly timeoutMs: number;
}

/** The calls to a relay over HTTP, with zstd, on kept-alive connections. */
export function relayTransport(options: RelayTransportOptions): Transport {
  const dispatcher = makeDispatcher(options.timeoutMs);
  return transportOver(httpExchange(options, dispatcher), options.credential);
}

/** The calls to a relay, whatever carries them. */
export function transportOver(relay: RelayExchange, token: string): Transport {
  const post: Post = (path, body) => ({ method: 'POST', path, token, body, contentType: 'application/json' });
  return { ...streamCalls(relay, token, post), ...liveCalls(relay, token, post), close: () => relay.close() };
}

/** Makes a call that carries JSON. */
type Post = (path: string, body: string) => RelayCall;

type LiveCallName =
  | 'askNode'
  | 'askLock'
  | 'nextCalls'
  | 'answerCall'
  | 'feed'
  | 'listenToChannels'
  | 'changeInterests'
  | 'publish'
  | 'presence';

/** The calls about streams and records. */
function streamCalls(relay: RelayExchange, token: string, post: Post): Omit<Transport, LiveCallName | 'close'> {
  return {
    session: (body) => call(relay, post('/relay/session', JSON.stringify(body)), sessionAnswerSchema),
    encode: (boot, { lines, ...rest }) =>
      relay.encode([JSON.stringify({ boot, ...rest, count: lines.length }), ...lines, ''].join('\n')),
    batch: (encoded, signal) => {
      const contentType = 'application/x-ndjson';
      return call(
        relay,
        { method: 'POST', path: '/relay/batch', token, encoded, contentType, signal },
        batchReceiptSchema,
      );
    },
    immediate: (envelope, line) => {
      const body = `${JSON.stringify(envelope).slice(0, -1)},"change":${line}}`;
      return call(relay, post('/relay/immediate', body), immediateReceiptSchema);
    },
    streamPage: ({ agent, incarnation, afterSeq }, signal) => {
      const path = `/relay/streams/${agent}?incarnation=${incarnation}&after=${afterSeq}`;
      return call(relay, { method: 'GET', path, token, signal }, streamPageSchema);
    },
    digest: (agent, signal) => {
      return call(relay, { method: 'GET', path: `/relay/agents/${agent}/digest`, token, signal }, bucketsSchema);
    },
    query: (query, signal) => {
      return call(relay, { ...post('/relay/query', JSON.stringify(query)), signal }, relayAnswerJson);
    },
    copyPage: (range, signal) => call(relay, { method: 'GET', path: copyPath(range), token, signal }, copyPageSchema),
  };
}

/** The calls about what happens meanwhile. */
function liveCalls(relay: RelayExchange, token: string, post: Post): Pick<Transport, LiveCallName> {
  return {
    askNode: (body, signal) => {
      const patienceMs = (body.timeout_seconds ?? limits.callSeconds) * 1000;
      return call(relay, { ...post('/relay/calls', JSON.stringify(body)), signal, patienceMs }, callOutcomeSchema);
    },
    askLock: (boot, name, wish, signal) => {
      const patienceMs = 'wait_seconds' in wish ? Number(wish.wait_seconds) * 1000 : 0;
      const asked = { ...post(`/relay/locks/${name}`, JSON.stringify({ boot, ...wish })), signal, patienceMs };
      return call(relay, asked, networkLockAnswers[name]);
    },
    nextCalls: (body, signal) => {
      const patienceMs = (body.wait_seconds ?? limits.callWaitSeconds) * 1000;
      return call(relay, { ...post('/relay/calls/next', JSON.stringify(body)), signal, patienceMs }, takenCallsSchema);
    },
    answerCall: (id, body, signal) => {
      return call(relay, { ...post(`/relay/calls/answers/${id}`, JSON.stringify(body)), signal }, callReceiptSchema);
    },
    feed: (range, signal) => {
      const patienceMs = range.waitSeconds * 1000;
      return call(relay, { method: 'GET', path: feedPath(range), token, signal, patienceMs }, feedPageSchema);
    },
    listenToChannels: (request, onEvent, signal) => {
      const body = JSON.stringify(request);
      return follow(relay, { ...post('/relay/channels/listen', body), signal }, body, onEvent);
    },
    changeInterests: (body, signal) =>
      call(relay, { ...post('/relay/channels/interests', JSON.stringify(body)), signal }, interestReceiptSchema),
    publish: (body, signal) =>
      call(relay, { ...post('/relay/channels/publish', JSON.stringify(body)), signal }, publishReceiptSchema),
    presence: (body, signal) =>
      call(relay, { ...post('/relay/channels/presence', JSON.stringify(body)), signal }, relayPresenceAnswerSchema),
  };
}

function httpExchange(
  { url, timeoutMs }: Omit<RelayTransportOptions, 'credential'>,
  dispatcher: Dispatcher,
): RelayExchange {
  // A stream has no end, and so no size; its own connection is cut when not even a heartbeat comes.
  const streams = new Agent({ connectTimeout: Math.min(timeoutMs, 5000), pipelining: 1 });
  const open = (
    { method, path, token, contentType, signal, patienceMs = 0 }: RelayCall,
    sent: EncodedBatch | undefined,
    through: Partial<Dispatcher.RequestOptions> & { readonly dispatcher: Dispatcher },
  ): Promise<Dispatcher.ResponseData> => {
    const headers: Record<string, string> = {
      authorization: `Bearer ${token}`,
      'holdfast-protocol': String(PROTOCOL_VERSION),
    };
    if (contentType !== undefined) headers['content-type'] = contentType;
    if (sent?.encoding !== undefined) headers['content-encoding'] = sent.encoding;
    return request(new URL(path, url), {
      method,
      headers,
      headersTimeout: timeoutMs + patienceMs,
      ...through,
      ...(sent !== undefined && { body: sent.body }),
      ...(signal !== undefined && { signal }),
    });
  };
  return {
    encode,
    send: async (call, sent) => answered(await open(call, sent, { dispatcher })),
    follow: async (call, sent, onData) => {
      const bodyTimeout = timeoutMs + limits.eventHeartbeatSeconds * 1000;
      const response = await open(call, sent, { dispatcher: streams, bodyTimeout });
      if (response.statusCode !== 200) return answered(response);
      const end = await eventsIn(response.body, onData);
      return { status: statusOf(parseOrUndefined(end)), text: end, retryAfter: undefined };
    },
    close: async () => {
      await Promise.all([dispatcher.destroy(), streams.destroy()]);
    },
  };
}

async function answered({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<RelayAnswer> {
  const retryAfter = headers['retry-after'];
  const text = await body.text();
  return { status: statusCode, text, retryAfter: typeof retryAfter === 'string' ? retryAfter : undefined };
}

function copyPath({ agent, bucket, after }: CopyRange): string {
  const query = new URLSearchParams();
  if (bucket !== undefined) query.set('bucket', String(bucket));
  if (after !== undefined) query.set('after', after);
  return `/relay/agents/${agent}/records?${query.toString()}`;
}

function feedPath({ part, after, waitSeconds }: FeedRange): string {
  const query = new URLSearchParams({ wait_seconds: String(waitSeconds) });
  for (const [name, value] of Object.entries(part)) if (value !== undefined) query.set(name, String(value));
  if (after !== undefined) query.set('after', after);
  return `/relay/feed?${query.toString()}`;
}

/** Enrols a node at a relay over HTTP; see `Join`. */
export function joinOverHttp(timeoutMs: number): Join {
  return async (relayUrl, joinToken, node) => {
    const dispatcher = makeDispatcher(timeoutMs);
    const body = JSON.stringify({ node });
    const contentType = 'application/json';
    try {
      return await call(
        httpExchange({ url: relayUrl, timeoutMs }, dispatcher),
        { method: 'POST', path: '/relay/join', token: joinToken, body, contentType },
        joinAnswerSchema,
      );
    } finally {
      await dispatcher.close();
    }
  };
}

function makeDispatcher(timeoutMs: number): Agent {
  return new Agent({
    connectTimeout: Math.min(timeoutMs, 5000),
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxResponseSize: MAX_ANSWER_BYTES,
    pipelining: 1,
  });
}

async function call<Value>(relay: RelayExchange, call: RelayCall, schema: z.ZodType<Value>): Promise<Outcome<Value>> {
  try {
    const { body, encoded } = call;
    const sent = encoded ?? (body === undefined ? undefined : await relay.encode(body));
    const { status, text, retryAfter } = await relay.send(call, sent);
    return status >= 200 && status < 300 ? understand(text, schema) : classify(status, text, retryAfter);
  } catch (error) {
    return { kind: 'lost', ...networkFailure(error) };
  }
}

async function follow(
  relay: RelayExchange,
  call: RelayCall,
  body: string,
  onEvent: (event: unknown) => void,
): Promise<NotDone> {
  try {
    const sent = await relay.encode(body);
    const { status, text, retryAfter } = await relay.follow(call, sent, (data) => onEvent(parseOrUndefined(data)));
    return classify(status, text, retryAfter);
  } catch (error) {
    return { kind: 'lost', ...networkFailure(error) };
  }
}

async function encode(body: string): Promise<EncodedBatch> {
  if (body.length < COMPRESS_FROM_BYTES) return { body, encoding: undefined };
  const params = { [constants.ZSTD_c_compressionLevel]: 1 };
  const bytes = Buffer.from(body);
  // All in one chunk: where the compressed size is a multiple of the chunk size, Node 24 adds a second, empty frame.
  const chunkSize = bytes.length + (bytes.length >> 7) + 512;
  return { body: await compress(bytes, { params, chunkSize }), encoding: 'zstd' };
}

function understand<Value>(text: string, schema: z.ZodType<Value>): Outcome<Value> {
  const parsed = schema.safeParse(parseOrUndefined(text));
  if (parsed.success) return { kind: 'done', value: parsed.data };
  return { kind: 'failed', reason: 'the relay gave an answer that makes no sense', retryAfterMs: 0 };
}

function classify(status: number, text: string, retryAfter: string | undefined): NotDone {
  const problem = parseOrUndefined(text);
  const code = textMember(problem, 'code');
  const hint = status === 401 ? REPLACED : undefined;
  const parts = [`the relay answered ${status}`, code, textMember(problem, 'detail'), hint];
  const reason = parts.filter(Boolean).join(': ');
  const known = code === undefined ? {} : { code, problem: problem as Readonly<Record<string, unknown>> };
  if (status === 409 && code === 'cursor-mismatch') {
    const cursor = cursorSchema.safeParse((problem as { cursor?: unknown }).cursor);
    if (cursor.success) return { kind: 'mismatch', cursor: cursor.data };
  }
  if (status === 409 && code === 'node-cloned') return { kind: 'superseded', reason, ...known };
  if (REFUSALS.has(status)) return { kind: 'refused', reason, ...known };
  if (status === 413) return { kind: 'too-large', reason, ...known };
  return { kind: 'failed', reason, retryAfterMs: retryAfterMs(retryAfter), ...known };
}

/** Retry-After as seconds (RFC 9110 §10.2.3); the date form is not used between us. Capped at ten minutes. */
function retryAfterMs(header: string | undefined): number {
  const seconds = Number(header);
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 600) * 1000 : 0;
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function textMember(problem: unknown, name: 'code' | 'detail'): string | undefined {
  const value =
    typeof problem === 'object' && problem !== null ? (problem as Record<string, unknown>)[name] : undefined;
  return typeof value === 'string' ? value.slice(0, MAX_REASON_CHARACTERS) : undefined;
}

/** The status a problem names. */
function statusOf(problem: unknown): number {
  const status = typeof problem === 'object' && problem !== null && 'status' in problem ? problem.status : undefined;
  return typeof status === 'number' ? status : 500;
}

function networkFailure(error: unknown): { readonly reason: string; readonly isUnsent: boolean } {
  if (!(error instanceof Error)) return { reason: 'the relay cannot be reached', isUnsent: false };
  const code = (error as { code?: unknown }).code;
  if (typeof code !== 'string') return { reason: `the relay cannot be reached: ${error.name}`, isUnsent: false };
  return { reason: `the relay cannot be reached: ${code}`, isUnsent: CONNECT_FAILURES.has(code) };
}
