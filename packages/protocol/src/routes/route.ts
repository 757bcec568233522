import type { z } from 'zod';

import type { ErrorCode } from '../error-catalogue.ts';

/**
 * Who a token speaks for. Daemon: `agent`, `admin`. Relay: `join`, `node`, `viewer`, `operator`, `admin`.
 * A route lists the roles it lets in; all others get `forbidden`.
 */
export type Role = 'agent' | 'join' | 'node' | 'viewer' | 'operator' | 'admin';

/**
 * What a route's body is: JSON of a schema, a document (any JSON, kept exactly), a merge patch, an NDJSON stream, or
 * either JSON or NDJSON as the content type says. `collection`: whose document it is, unless the path says.
 */
export type RouteBody =
  | { readonly kind: 'json'; readonly schema: z.ZodType }
  | { readonly kind: 'document'; readonly collection?: string }
  | { readonly kind: 'patch' }
  | { readonly kind: 'ndjson'; readonly lines: z.ZodType }
  | { readonly kind: 'json-or-ndjson'; readonly schema: z.ZodType; readonly lines: z.ZodType };

/**
 * What a route answers with on success. `events` is an event stream that lasts until one side ends it; the schema is that of each
 * event's data. If the service ends it, the last event is `end` (`END_EVENT`), with a problem that tells why. `events` beside other
 * forms: an event stream too, for who asks for that in `Accept`. `collection`: whose document it is, unless the path says.
 */
export type RouteAnswer =
  | { readonly kind: 'json'; readonly schema: z.ZodType }
  | {
      readonly kind: 'json-or-ndjson';
      readonly schema: z.ZodType;
      readonly lines: z.ZodType;
      readonly events?: z.ZodType;
    }
  | { readonly kind: 'events'; readonly schema: z.ZodType }
  | { readonly kind: 'document'; readonly collection?: string }
  | { readonly kind: 'none' };

/** One call of an HTTP interface, as data: routing, checks, OpenAPI and client all follow it. */
export interface Route {
  readonly method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** Path with parameters in braces: `/v1/kv/{key}`. */
  readonly path: string;
  readonly summary: string;
  readonly roles: readonly Role[];
  /** Path parameters, each with its rule. */
  readonly params?: Readonly<Record<string, z.ZodType>>;
  /** Query parameters; an unknown one is an error. */
  readonly query?: z.ZodObject;
  /** Request headers with a meaning here, beside the common ones: name to description. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RouteBody;
  /** Status of success. */
  readonly status: 200 | 201 | 202 | 204;
  readonly answer: RouteAnswer;
  /** Errors of this call, beside those any call can meet (`commonErrors`). */
  readonly errors: readonly ErrorCode[];
}

/** Errors any call can meet. */
export const commonErrors: readonly ErrorCode[] = Object.freeze([
  'unauthenticated',
  'forbidden',
  'forbidden-origin',
  'forbidden-host',
  'invalid-request',
  'request-timeout',
  'too-many-requests',
  'internal',
  'shutting-down',
]);

/** Errors any call with a body can meet. */
export const bodyErrors: readonly ErrorCode[] = Object.freeze([
  'bad-json',
  'bad-utf8',
  'bad-encoding',
  'body-incomplete',
  'body-too-large',
  'unsupported-media-type',
  'unsupported-encoding',
]);

/** The name of the last event of an event stream that the service ends; its data is a problem (RFC 9457). */
export const END_EVENT = 'end';

/** Errors any call that is answered with an event stream can meet, at its beginning or as its end. */
export const eventErrors: readonly ErrorCode[] = Object.freeze(['too-many-listeners', 'listener-too-slow']);

/** Errors any call that stores something can meet. */
export const writeErrors: readonly ErrorCode[] = Object.freeze([
  'queue-full',
  'storage-failed',
  'storage-read-only',
  'disk-full',
]);
