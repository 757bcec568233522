import type { Route } from '@holdfast/protocol';

import type { AnswerOf, Calls, InputOf } from './calls.ts';
import { unexpectedAnswer, unsendable } from './problem.ts';
import type { Outgoing, Reply, Requester } from './requester.ts';
import type { Repeat } from './retry.ts';

/** What a call carries besides its route's input. */
export interface CallExtras {
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: '*' | undefined;
  readonly ifFence?: string | undefined;
  readonly idempotencyKey?: string | undefined;
  /** Default: reading is `free`, PUT and DELETE `same`, a call with an idempotency key `keyed`, all others `twice`. */
  readonly repeat?: Repeat | undefined;
  /** How much longer than others the answer may take, in milliseconds. Default 0. */
  readonly waitMs?: number | undefined;
  /** Ends the call, with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** An answer, and the version its ETag gave. */
export interface Answered<T> {
  readonly value: T;
  readonly version: string | undefined;
}

/** Makes one call of a set of routes. */
export type Caller<Set extends { readonly [Id in keyof Set]: Route }> = <Id extends keyof Set>(
  id: Id,
  input: InputOf<Set[Id]>,
  extras?: CallExtras,
) => Promise<Answered<AnswerOf<Set[Id]>>>;

/** Query parameters by name; a list travels with commas. */
type QueryValues = Readonly<Record<string, string | number | readonly string[] | undefined>>;

/** `InputOf`, as it is at run time. */
interface Input {
  readonly params?: Readonly<Record<string, string>> | undefined;
  readonly query?: QueryValues | undefined;
  readonly body?: unknown;
}

const REPEAT: Readonly<Record<Route['method'], Repeat>> = {
  GET: 'free',
  PUT: 'same',
  DELETE: 'same',
  POST: 'twice',
  PATCH: 'twice',
};

const DEFAULT_ACK_SECONDS = 2;

/** Makes calls of these routes by this requester. Answers are taken to be what the route's type says. */
export function callerOf<Set extends { readonly [Id in keyof Set]: Route }>(
  requester: Requester,
  calls: Calls<Set>,
): Caller<Set> {
  return async (id, input, extras = {}) => {
    const reply = await requester.send(outgoing(calls[id], input, extras));
    return { value: parse(reply) as AnswerOf<Set[typeof id]>, version: versionOf(reply.headers) };
  };
}

/** Fills in a route's path, each parameter percent-encoded. Throws `invalid-request` for one that no path can carry. */
function fillPath(path: string, params: Readonly<Record<string, string>>): string {
  return path.replaceAll(/\{(\w+)\}/g, (_match, name: string) => {
    const value = params[name] ?? '';
    // URLs fold "." and ".." away, also when encoded: the request would reach another route.
    if (value === '' || value === '.' || value === '..') throw unsendable(name, 'must not be empty, "." or ".."');
    if (!value.isWellFormed()) throw unsendable(name, 'must be well-formed text');
    return encodeURIComponent(value);
  });
}

/** The query string of these parameters, with its `?`; those undefined are left out. */
export function queryString(query: QueryValues): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, String(value));
  const text = given.toString();
  return text === '' ? '' : `?${text}`;
}

/** Milliseconds the service was asked to wait for the relay. */
export function waitMsOf(query: {
  readonly ack?: string | number | undefined;
  readonly timeout?: string | number | undefined;
}): number {
  return query.ack === 'relay' ? Number(query.timeout ?? DEFAULT_ACK_SECONDS) * 1000 : 0;
}

/** The request of a call. */
export function outgoing(route: Pick<Route, 'method' | 'path'>, input: Input, extras: CallExtras): Outgoing {
  const query = input.query ?? {};
  return {
    method: route.method,
    target: fillPath(route.path, input.params ?? {}) + queryString(query),
    headers: headersOf(route.method, extras),
    body: 'body' in input ? serialize(input.body) : undefined,
    repeat: extras.repeat ?? (extras.idempotencyKey === undefined ? REPEAT[route.method] : 'keyed'),
    waitMs: waitMsOf(query) + (extras.waitMs ?? 0),
    signal: extras.signal,
  };
}

function headersOf(method: Route['method'], extras: CallExtras): Record<string, string> {
  const headers: Record<string, string> = { ...fenceHeader(extras.ifFence) };
  if (method === 'PATCH') headers['content-type'] = 'application/merge-patch+json';
  if (method === 'PUT' || method === 'POST') headers['content-type'] = 'application/json';
  if (extras.ifMatch !== undefined) headers['if-match'] = `"${headerSafe('ifMatch', extras.ifMatch)}"`;
  if (extras.ifNoneMatch !== undefined) headers['if-none-match'] = extras.ifNoneMatch;
  if (extras.idempotencyKey !== undefined) {
    headers['idempotency-key'] = headerSafe('idempotencyKey', extras.idempotencyKey);
  }
  return headers;
}

/** The header of what is written under locks. */
export function fenceHeader(ifFence: string | undefined): { 'if-fence'?: string } {
  return ifFence === undefined ? {} : { 'if-fence': headerSafe('ifFence', ifFence) };
}

function headerSafe(parameter: string, value: string): string {
  if (!/^[\x21\x23-\x7e]+$/.test(value))
    throw unsendable(parameter, 'must be printable ASCII without spaces and quotes');
  return value;
}

function serialize(body: unknown): string {
  const text: string | undefined = JSON.stringify(body);
  if (text === undefined) throw new TypeError('a document must be something JSON can hold');
  return text;
}

function parse(reply: Reply): unknown {
  if (reply.status === 204) return undefined;
  try {
    return JSON.parse(reply.text);
  } catch {
    throw unexpectedAnswer(reply.status, 'an answer that is not JSON');
  }
}

/** The version in an ETag, weak (as a compressing proxy makes it) or not. */
function versionOf(headers: Headers): string | undefined {
  return /^(?:W\/)?"([^"]*)"$/.exec(headers.get('etag') ?? '')?.[1];
}
