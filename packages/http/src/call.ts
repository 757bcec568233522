import type { Document, Route } from '@holdfast/protocol';
import type { z } from 'zod';

import type { Identity, ReadHeader } from './identity.ts';

/** One line of an NDJSON body. */
export interface Line {
  /** Counts from 1 over the whole body, empty lines too. */
  readonly number: number;
  /** The line without its line ending; never empty. Valid UTF-8, not yet looked at otherwise. */
  readonly text: string;
}

/**
 * The lines of an NDJSON body in the groups they arrived in; no group is empty, and no two groups are in memory unless
 * the reader keeps them. Empty lines are left out but counted. Can be read once.
 *
 * The reader may stop early. Throws, after every whole line before the fault was handed out: `body-too-large` (a line
 * over `limits.lineBytes`, or a compressed stream that swells like a bomb), `body-incomplete`, `bad-encoding`,
 * `bad-utf8`, `request-timeout` (no bytes for `limits.requestSeconds`).
 */
export type Lines = AsyncIterable<readonly Line[]>;

/** A JSON body. */
export interface JsonBody<Value> {
  readonly kind: 'json';
  /** What the route's schema made of it. */
  readonly value: Value;
  /** The text as sent; `documentOf` needs it to check documents inside. */
  readonly source: string;
}

/** An NDJSON body. `lines` holds text: the handler parses each by the schema it expects there. */
export interface NdjsonBody {
  readonly kind: 'ndjson';
  readonly lines: Lines;
}

/** The body a handler gets, by the route's kind of body: nothing, JSON, a checked document or merge patch, lines. */
export type BodyOf<R extends Route> = R extends { readonly body: infer Body }
  ? Body extends { readonly kind: 'json'; readonly schema: infer Schema extends z.ZodType }
    ? JsonBody<z.output<Schema>>
    : Body extends { readonly kind: 'json-or-ndjson'; readonly schema: infer Schema extends z.ZodType }
      ? JsonBody<z.output<Schema>> | NdjsonBody
      : Body extends { readonly kind: 'ndjson' }
        ? NdjsonBody
        : Document
  : undefined;

/** The path parameters a handler gets. */
export type ParamsOf<R extends Route> = R extends {
  readonly params: infer Params extends Readonly<Record<string, z.ZodType>>;
}
  ? { readonly [Name in keyof Params]: z.output<Params[Name]> }
  : Readonly<Record<never, never>>;

/** The query parameters a handler gets. */
export type QueryOf<R extends Route> = R extends { readonly query: infer Query extends z.ZodObject }
  ? Readonly<z.output<Query>>
  : Readonly<Record<never, never>>;

/** One request that passed every guard: authenticated, its role let in, its parameters and body checked. */
export interface Call<R extends Route, Who extends Identity> {
  readonly identity: Who;
  readonly params: ParamsOf<R>;
  readonly query: QueryOf<R>;
  readonly body: BodyOf<R>;
  readonly header: ReadHeader;
  /** Names the request in logs and problems. */
  readonly requestId: string;
  /**
   * Aborts when the client goes away before the answer was sent, or the service stops waiting for the request; with an answer of
   * events, whenever that ends.
   */
  readonly signal: AbortSignal;
}

/** One event of an event stream (server-sent events, WHATWG HTML). */
export interface ServerEvent {
  /** From where a reader goes on after a cut: it comes back as the header `Last-Event-ID`. One line. */
  readonly id?: string;
  /** What kind of event it is; without it, a `message`. One line; `end` is used when the service ends the stream. */
  readonly event?: string;
  /** Text, such as JSON. Without it readers are told nothing, and go on from `id` after a cut. */
  readonly data?: string;
}

/** Events of a stream as they come: one by one, or in groups of those that came together. */
export type ServerEvents = AsyncIterable<ServerEvent | readonly ServerEvent[]>;

/**
 * What a handler answers with; without `status`, the route's own.
 * `json` is turned into text here; `text` is JSON text already, unless `headers` name another content type. Each piece
 * of `ndjson` is one or more whole lines, each with its line feed; once the first piece is out a failure can only cut
 * the connection, so the last line must say that it is the last.
 *
 * `events` may go on for ever. They are asked for no faster than the reader takes them, so their source bounds what waits, and
 * throws `listener-too-slow` when that is too much. The source must end when the call's `signal` aborts: that is when the reader
 * is gone, and when the service stops. What it throws is the last event of the stream.
 */
export interface Answer {
  readonly status?: number;
  /** Further headers. Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly text?: string;
  readonly ndjson?: AsyncIterable<string>;
  readonly events?: ServerEvents;
}

/** Does what a route is for. Throws HoldfastError to refuse; all else thrown is answered as `internal` and logged. */
export type Handler<R extends Route, Who extends Identity> = (call: Call<R, Who>) => Answer | Promise<Answer>;

/** Routes by id. */
export type Routes = Readonly<Record<string, Route>>;

/** A handler for every route: one missing or too many is a type error. */
export type Handlers<Set extends Routes, Who extends Identity> = {
  readonly [Id in keyof Set]: Handler<Set[Id], Who>;
};
