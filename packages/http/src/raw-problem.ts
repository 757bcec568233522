import { STATUS_CODES } from 'node:http';

import type { HoldfastError } from '@holdfast/protocol';

/** A whole HTTP answer as bytes, for connections that have no request to answer. It closes the connection. */
export function rawProblem(error: HoldfastError): string {
  const { status } = error.kind;
  const text = JSON.stringify(error.toProblem());
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(text)}`,
    'connection: close',
    '',
    text,
  ].join('\r\n');
}
