import type { IncomingMessage } from 'node:http';

import { type Document, invalidRequest, parseDocument, parseJson, type RouteBody } from '@holdfast/protocol';
import type { z } from 'zod';

import type { JsonBody, NdjsonBody } from './call.ts';
import { decompressStream } from './decompress.ts';
import { assertDeclared, type BodyBounds, readText } from './gather.ts';
import { encodingOf, type Encoding, framingOf } from './guards.ts';
import { Inbox } from './inbox.ts';
import { linesOf } from './lines.ts';

/** A body as a handler gets it, whatever the route's kind. */
export type AnyBody = JsonBody<unknown> | NdjsonBody | Document | undefined;

/** How the body of a request is to be read; its headers were accepted. */
export interface BodyPlan {
  readonly body: RouteBody;
  readonly framing: 'json' | 'ndjson';
  readonly encoding: Encoding | undefined;
}

/** Looks at the headers of a body. Throws `unsupported-media-type`, `unsupported-encoding`. */
export function planBody(request: IncomingMessage, body: RouteBody): BodyPlan {
  const { headers } = request;
  const framing = framingOf(headers['content-type'], body.kind);
  return { body, framing, encoding: encodingOf(headers['content-encoding']) };
}

/** A body ready for its handler, and how to let go of it once the handler is done. */
export interface OpenBody {
  readonly value: AnyBody;
  readonly close: () => void;
}

/**
 * Reads the body: whole and checked, or as a stream of lines. `goAhead` is called when the client is to send it.
 * Throws what `readText`, `parseDocument` and `parseJson` throw, and `invalid-request`.
 */
export async function openBody(
  request: IncomingMessage,
  plan: BodyPlan,
  bounds: BodyBounds,
  goAhead: () => void,
): Promise<OpenBody> {
  if (plan.framing === 'json') assertDeclared(request, bounds.bodyBytes);
  goAhead();
  if (plan.framing === 'ndjson') return openLines(request, plan, bounds);
  const share = bounds.budget.share();
  try {
    const text = await readText(request, plan.encoding, bounds, share);
    return { value: readJson(text, plan.body), close: share.release };
  } catch (error) {
    share.release();
    throw error;
  }
}

function openLines(request: IncomingMessage, plan: BodyPlan, bounds: BodyBounds): OpenBody {
  const inbox = new Inbox(request, bounds.waitMs);
  const bytes = plan.encoding === undefined ? inbox : decompressStream(inbox, plan.encoding);
  return { value: { kind: 'ndjson', lines: linesOf(bytes) }, close: () => inbox.close() };
}

function readJson(text: string, body: RouteBody): AnyBody {
  if (body.kind === 'ndjson') throw new Error('an NDJSON body is read line by line');
  if (!('schema' in body)) return parseDocument(text);
  return { kind: 'json', value: accept(body.schema, text), source: text };
}

function accept(schema: z.ZodType, text: string): unknown {
  const result = schema.safeParse(parseJson(text));
  if (!result.success) throw invalidRequest('body', result.error);
  return result.data;
}
