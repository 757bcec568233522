import {
  type ErrorCode,
  HoldfastError,
  isErrorCode,
  type NetworkLockAnswer,
  type NetworkLockCall,
  type NetworkLockWish,
} from '@holdfast/protocol';

import type { NodeCallOptions } from './node-call.ts';
import { relayAway } from './relay-away.ts';
import type { NotDone } from './transport.ts';

/** Asks the relay about locks of the network; see `askLock`. */
export type AskLock = <Name extends NetworkLockCall>(
  call: Name,
  wish: NetworkLockWish<Name>,
  signal: AbortSignal,
) => Promise<NetworkLockAnswer<Name>>;

/** Codes of the relay that are about the lock, and told to whoever asked as they are. */
const itsOwn: ReadonlySet<string> = new Set<ErrorCode>([
  'lock-held',
  'lease-lost',
  'idempotency-mismatch',
  'invalid-request',
  'too-many-requests',
  'queue-full',
  'storage-failed',
  'storage-read-only',
  'disk-full',
]);

/** Members of every problem; the others say what it was about. */
const STANDARD = new Set(['type', 'title', 'status', 'code', 'detail', 'remedy', 'retryable', 'requestId', 'issues']);

/**
 * Asks the relay about locks of the network. While the link is not open it is refused at once, and the link looks for the relay again
 * soon.
 *
 * Throws `not-enrolled`; `relay-unreachable`, with `last_contact_at`, also when the answer was lost; `call-unsupported` when the relay
 * is older than locks; and what the relay refuses it with.
 */
export async function askLock<Name extends NetworkLockCall>(
  call: Name,
  wish: NetworkLockWish<Name>,
  { transport, boot, link, signal }: NodeCallOptions,
): Promise<NetworkLockAnswer<Name>> {
  if (transport === undefined) {
    throw new HoldfastError('not-enrolled', 'the node has no relay, and so no locks of a network');
  }
  if (link.status.state !== 'open') {
    link.hurry();
    throw relayAway(link.status, link.status.error);
  }
  const outcome = await transport.askLock(boot, call, wish, signal);
  if (outcome.kind === 'done') return outcome.value;
  if (!signal.aborted && (outcome.kind === 'lost' || outcome.kind === 'superseded')) link.hurry();
  throw failureOf(outcome, link);
}

function failureOf(outcome: NotDone, { status }: NodeCallOptions['link']): HoldfastError {
  if (outcome.kind === 'mismatch') return relayAway(status, 'the relay answered with a cursor');
  const { code, reason, problem = {} } = outcome;
  if (code === 'route-not-found') {
    return new HoldfastError('call-unsupported', 'the relay is older than locks of the network');
  }
  if (outcome.kind !== 'failed' || !isErrorCode(code) || !itsOwn.has(code)) return relayAway(status, reason);
  const { detail } = problem;
  return new HoldfastError(code, typeof detail === 'string' ? detail : reason, {
    extensions: Object.fromEntries(Object.entries(problem).filter(([name]) => !STANDARD.has(name))),
    ...(outcome.retryAfterMs > 0 && { retryAfterSeconds: outcome.retryAfterMs / 1000 }),
  });
}
