import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

import { HoldfastError, type RouteBody } from '@holdfast/protocol';

/** How a body can be compressed. */
export type Encoding = 'gzip' | 'zstd';

/** Refuses a request whose Host is missing, given twice or not among the allowed (DNS rebinding): `forbidden-host`. */
export function assertHost(request: IncomingMessage, allowed: ReadonlySet<string>): void {
  const { host } = request.headers;
  if (host === undefined || !allowed.has(host.toLowerCase()) || countHosts(request.rawHeaders) !== 1) {
    throw new HoldfastError('forbidden-host', 'the Host header is not one this service answers to');
  }
}

// Node keeps the first Host of several and drops the rest; a proxy in front may have gone by another one.
function countHosts(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at];
    if (name?.length === 4 && name.toLowerCase() === 'host') count += 1;
  }
  return count;
}

/** Refuses what a web page may have sent: any Origin or Referer, a Sec-Fetch-Site but `none`: `forbidden-origin`. */
export function assertNoPage(headers: IncomingHttpHeaders): void {
  const site = headers['sec-fetch-site'];
  if (headers.origin !== undefined || headers.referer !== undefined || (site !== undefined && site !== 'none')) {
    throw new HoldfastError('forbidden-origin', 'the request comes from a web page');
  }
}

const JSON_TYPE = 'application/json';
const NDJSON_TYPE = 'application/x-ndjson';
const PATCH_TYPE = 'application/merge-patch+json';

const acceptedTypes: { readonly [Kind in RouteBody['kind']]: readonly string[] } = {
  json: [JSON_TYPE],
  document: [JSON_TYPE],
  patch: [JSON_TYPE, PATCH_TYPE],
  ndjson: [NDJSON_TYPE],
  'json-or-ndjson': [JSON_TYPE, NDJSON_TYPE],
};

/** The media types a kind of body may have. */
export function mediaTypesOf(kind: RouteBody['kind']): readonly string[] {
  return acceptedTypes[kind];
}

/** Whether the body is one JSON text or lines of it. Throws `unsupported-media-type`, also for a charset but UTF-8. */
export function framingOf(contentType: string | undefined, kind: RouteBody['kind']): 'json' | 'ndjson' {
  const type = contentType === JSON_TYPE ? JSON_TYPE : essenceOf(contentType ?? '');
  if (type === undefined || !acceptedTypes[kind].includes(type)) {
    throw new HoldfastError('unsupported-media-type', `send ${acceptedTypes[kind].join(' or ')}, in UTF-8`);
  }
  return type === NDJSON_TYPE ? 'ndjson' : 'json';
}

/** The type without parameters, undefined if a parameter changes its meaning. */
function essenceOf(contentType: string): string | undefined {
  const [essence = '', ...parameters] = contentType.split(';').map((part) => part.trim().toLowerCase());
  const isHarmless = parameters.every((parameter) => parameter === '' || /^charset="?utf-?8"?$/.test(parameter));
  return isHarmless ? essence : undefined;
}

/** How the body is compressed; undefined: not at all. Throws `unsupported-encoding`, also for more than one. */
export function encodingOf(contentEncoding: string | undefined): Encoding | undefined {
  if (contentEncoding === undefined) return undefined;
  const encoding = contentEncoding.trim().toLowerCase();
  if (encoding === 'gzip' || encoding === 'zstd') return encoding;
  if (encoding === 'identity') return undefined;
  throw new HoldfastError('unsupported-encoding', 'send gzip, zstd or plain; one encoding at most');
}
