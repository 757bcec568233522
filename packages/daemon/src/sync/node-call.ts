import { type ErrorCode, HoldfastError, isErrorCode, type Json, limits, utf8Length } from '@holdfast/protocol';

import type { NodeCall } from './call-handlers.ts';
import { answerOf } from './call-outcome.ts';
import type { Link } from './link.ts';
import { relayAway } from './relay-away.ts';
import type { NotDone, Transport } from './transport.ts';

/** What asking another node needs. */
export interface NodeCallOptions {
  /** Undefined: the node has no relay. */
  readonly transport: Transport | undefined;
  readonly boot: string;
  readonly link: Pick<Link, 'status' | 'hurry'>;
  /** Ends the wait: whoever asked is gone. */
  readonly signal: AbortSignal;
}

/** Codes with which the relay says that nobody was asked. */
const undone: ReadonlySet<string> = new Set<ErrorCode>([
  'node-not-found',
  'node-unreachable',
  'too-many-requests',
  'body-too-large',
  'invalid-request',
  'queue-full',
]);

/**
 * Asks another node through the relay. While the link is not open it is refused at once, and the link looks for the relay
 * again soon.
 *
 * Throws what the other node threw; of that, `internal` is a bug there. Of the way's own errors `call-unanswered` alone leaves open
 * whether it was done. After `not-enrolled`, `relay-unreachable`, `node-not-found`, `node-unreachable`, `call-unsupported`,
 * `too-many-requests`, `body-too-large` and `invalid-request` it was not, if the other node does not throw these itself.
 */
export async function askNode(asked: NodeCall, options: NodeCallOptions): Promise<Json> {
  const { transport, boot, link, signal } = options;
  if (transport === undefined) {
    throw new HoldfastError('not-enrolled', 'the node has no relay, and so reaches no other node');
  }
  assertFits(asked);
  if (link.status.state !== 'open') {
    link.hurry();
    throw relayAway(link.status, link.status.error);
  }
  const { timeoutSeconds, ...request } = asked;
  const timeout = timeoutSeconds === undefined ? {} : { timeout_seconds: timeoutSeconds };
  const outcome = await transport.askNode({ boot, ...request, ...timeout }, signal);
  if (outcome.kind === 'done') return answerOf(outcome.value);
  if (!signal.aborted && (outcome.kind === 'lost' || outcome.kind === 'superseded')) link.hurry();
  throw failureOf(outcome, link);
}

function assertFits({ body }: NodeCall): void {
  if (utf8Length(JSON.stringify(body)) <= limits.callBytes) return;
  throw new HoldfastError('body-too-large', `what is asked of another node is at most ${limits.callBytes} bytes`);
}

function failureOf(outcome: NotDone, { status }: NodeCallOptions['link']): HoldfastError {
  if (outcome.kind === 'mismatch') return unanswered('the relay answered with a cursor');
  const { code, reason } = outcome;
  if (code === 'route-not-found')
    return new HoldfastError('call-unsupported', 'the relay is older than calls of nodes');
  if (outcome.kind !== 'lost' && isErrorCode(code) && (undone.has(code) || code === 'call-unanswered')) {
    return refusal(code, outcome);
  }
  const isUndone =
    outcome.kind === 'refused' ||
    outcome.kind === 'superseded' ||
    code === 'shutting-down' ||
    (outcome.kind === 'lost' && outcome.isUnsent === true);
  return isUndone ? relayAway(status, reason) : unanswered(reason);
}

function refusal(code: ErrorCode, outcome: Exclude<NotDone, { kind: 'mismatch' }>): HoldfastError {
  const { reason, problem } = outcome;
  const { detail, node, last_contact_at: lastContactAt } = problem ?? {};
  return new HoldfastError(code, typeof detail === 'string' ? detail : reason, {
    extensions: {
      ...(node !== undefined && { node }),
      ...(lastContactAt !== undefined && { last_contact_at: lastContactAt }),
    },
    ...(outcome.kind === 'failed' && outcome.retryAfterMs > 0 && { retryAfterSeconds: outcome.retryAfterMs / 1000 }),
  });
}

function unanswered(reason: string): HoldfastError {
  return new HoldfastError('call-unanswered', reason);
}
