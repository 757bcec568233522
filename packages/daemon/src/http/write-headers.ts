import { type FenceProof, HoldfastError, limits, parseFenceProofs, VERSION_PATTERN } from '@holdfast/protocol';
import type { ReadHeader } from '@holdfast/http';
import type { Idempotency, Precondition } from '@holdfast/store';

import type { AckWish } from '../service/records.ts';
import type { Ack } from '../sync/ack.ts';

const DEFAULT_ACK_TIMEOUT_SECONDS = 2;

/** What a request says about waiting for the relay. */
export function ackWish(query: { readonly ack?: Ack | undefined; readonly timeout?: number | undefined }): AckWish {
  return { ack: query.ack ?? 'local', timeoutMs: (query.timeout ?? DEFAULT_ACK_TIMEOUT_SECONDS) * 1000 };
}

/** What If-Match and If-None-Match ask of the record (RFC 9110 §13.1). Throws `invalid-request`. */
export function preconditionOf(header: ReadHeader): { precondition?: Precondition } {
  const ifMatch = header('if-match');
  const ifNoneMatch = header('if-none-match');
  if (ifNoneMatch !== undefined) {
    if (ifMatch !== undefined) throw badHeader('If-Match', 'not together with If-None-Match');
    if (ifNoneMatch !== '*') throw badHeader('If-None-Match', 'only "*" is understood here');
    return { precondition: { kind: 'absent' } };
  }
  if (ifMatch === undefined) return {};
  if (ifMatch === '*') return { precondition: { kind: 'present' } };
  const version = /^"([^"]+)"$/.exec(ifMatch)?.[1] ?? ifMatch;
  if (!VERSION_PATTERN.test(version)) throw badHeader('If-Match', 'an ETag such as "0192f0c1a2b3-0001-7f3a9c21", or *');
  return { precondition: { kind: 'version', version } };
}

/** What a request's Idempotency-Key asks of the store; nothing without one. Throws `invalid-request`. */
export function idempotencyOf(header: ReadHeader, fingerprint: () => string): { idempotency?: Idempotency } {
  const key = header('idempotency-key');
  if (key === undefined) return {};
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) throw badHeader('Idempotency-Key', '1 to 255 printable ASCII characters');
  return { idempotency: { key, fingerprint: fingerprint() } };
}

/** The locks that If-Fence says a request is done under; nothing without one. Throws `invalid-request`. */
export function fencesOf(header: ReadHeader): { fences?: readonly FenceProof[] } {
  const text = header('if-fence');
  if (text === undefined) return {};
  const fences = parseFenceProofs(text);
  if (fences === undefined) {
    throw badHeader(
      'If-Fence',
      `\`if_fence\` of a lease, such as network/billing=17, or up to ${limits.fenceProofs} of them`,
    );
  }
  return { fences };
}

function badHeader(name: string, message: string): HoldfastError {
  return new HoldfastError('invalid-request', `${name}: ${message}`, { issues: [{ path: name, message }] });
}
