import { HoldfastError, isHoldfastError } from '@holdfast/protocol';

import type { Answer } from './call.ts';
import { rateLimitHeaders, rateLimitIn } from './rate-limit-headers.ts';

/** The error as one of the catalogue: what is none of ours becomes `internal`, with itself as the cause. */
export function catalogued(error: unknown): HoldfastError {
  if (isHoldfastError(error)) return error;
  return new HoldfastError('internal', 'unexpected failure; the log has it under this request id', { cause: error });
}

/** Problem details (RFC 9457) of an error, with the headers that belong to it. */
export function problemAnswer(error: HoldfastError, requestId: string): Answer & { readonly status: number } {
  return {
    status: error.kind.status,
    headers: { 'content-type': 'application/problem+json', ...headersOf(error) },
    text: JSON.stringify(error.toProblem(requestId)),
  };
}

function headersOf(error: HoldfastError): Record<string, string> {
  const headers: Record<string, string> = {};
  if (error.retryAfterSeconds !== undefined) headers['retry-after'] = String(Math.ceil(error.retryAfterSeconds));
  if (error.code === 'unauthenticated') headers['www-authenticate'] = 'Bearer realm="holdfast"';
  if (error.code === 'unsupported-encoding') headers['accept-encoding'] = 'gzip, zstd';
  const { allow } = error.extensions;
  if (error.code === 'method-not-allowed' && Array.isArray(allow)) headers['allow'] = allow.join(', ');
  const rateLimit = error.code === 'rate-limited' ? rateLimitIn(error.extensions) : undefined;
  return rateLimit === undefined ? headers : { ...headers, ...rateLimitHeaders(rateLimit) };
}
