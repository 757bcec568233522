import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';

import { HoldfastError, limits } from '@holdfast/protocol';

import type { BodyBudget, BodyShare } from './body-budget.ts';
import { deadline } from './deadlines.ts';
import { decompress } from './decompress.ts';
import type { Encoding } from './guards.ts';
import { incomplete, tooSlow } from './inbox.ts';

/** What bounds one body. */
export interface BodyBounds {
  /** Bytes as sent. */
  readonly bodyBytes: number;
  /** For the whole body when it is gathered; between two chunks when it is a stream. */
  readonly waitMs: number;
  /** For all bodies that are gathered at one time. */
  readonly budget: BodyBudget;
}

/**
 * Reads a whole body as text. Bytes are counted as they come, whatever Content-Length says.
 * Throws `body-too-large`, `body-incomplete`, `request-timeout`, `bad-encoding`, `bad-utf8`, `queue-full`.
 */
export async function readText(
  request: IncomingMessage,
  encoding: Encoding | undefined,
  bounds: BodyBounds,
  share: BodyShare,
): Promise<string> {
  const sent = await gather(request, bounds, share);
  const bytes = encoding === undefined ? sent : await decompress(sent, encoding, limits.decompressedBodyBytes, share);
  if (!isUtf8(bytes)) throw new HoldfastError('bad-utf8', 'the body is not valid UTF-8');
  return bytes.toString('utf8');
}

/** Refuses a body that is too large by its own Content-Length, before any of it is read: `body-too-large`. */
export function assertDeclared(request: IncomingMessage, bodyBytes: number): void {
  if (Number(request.headers['content-length'] ?? 0) > bodyBytes) throw tooLarge(bodyBytes);
}

function gather(request: IncomingMessage, { bodyBytes, waitMs }: BodyBounds, share: BodyShare): Promise<Buffer> {
  if (request.destroyed) return Promise.reject(incomplete());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let isSettled = false;
    const settle = (error?: HoldfastError): void => {
      if (isSettled) return;
      isSettled = true;
      forget();
      if (error === undefined)
        return resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size));
      // After a whole body no more events come, and listeners need not be taken off: it costs as much as adding them.
      request.off('data', take).off('end', settle).off('close', cut);
      request.pause();
      reject(error);
    };
    const take = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > bodyBytes) return settle(tooLarge(bodyBytes));
      const refusal = share.take(chunk.length);
      if (refusal !== undefined) return settle(refusal);
      chunks.push(chunk);
    };
    const cut = (): void => {
      if (!isSettled) settle(incomplete());
    };
    const forget = deadline(waitMs, () => settle(tooSlow(waitMs)));
    request.on('data', take).on('end', settle).on('close', cut);
  });
}

function tooLarge(bodyBytes: number): HoldfastError {
  return new HoldfastError('body-too-large', `the body is over ${bodyBytes} bytes`);
}
