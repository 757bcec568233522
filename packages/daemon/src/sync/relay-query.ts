import { type ErrorCode, HoldfastError, isErrorCode, limits, type NetworkRequest } from '@holdfast/protocol';

import type { Link, LinkStatus } from './link.ts';
import { relayAway } from './relay-away.ts';
import type { Outcome, RelayAnswerJson, Transport } from './transport.ts';

/** What asking the relay a query needs. */
export interface AskingOptions {
  /** Undefined: the node has no relay. */
  readonly transport: Transport | undefined;
  readonly link: Pick<Link, 'status' | 'hurry'>;
  /** Ends the call: whoever asked is gone. */
  readonly signal: AbortSignal;
}

/** Codes of the relay that say nothing of the query: to whoever asked here the relay is away. */
const away: ReadonlySet<string> = new Set<ErrorCode>(['internal', 'shutting-down']);

/** Codes with a status by which the relay else turns the node itself away, and that are about a query all the same. */
const ofQueries: ReadonlySet<string> = new Set<ErrorCode>(['collection-not-found']);

/**
 * Asks the relay a query in the node's name. While the link is known to be down it is refused at once, and the link looks
 * for the relay again soon. Waits for an answer as long as for any of the relay's, at most `limits.networkQuerySeconds`.
 *
 * Throws `not-enrolled`; `relay-unreachable`, with `last_contact_at`; and what the relay refuses the query with.
 */
export async function askRelay(query: NetworkRequest, options: AskingOptions): Promise<RelayAnswerJson> {
  const { transport, link, signal } = options;
  if (transport === undefined) {
    throw new HoldfastError('not-enrolled', 'the node has no relay, and so no network to query');
  }
  if (isDown(link.status)) {
    link.hurry();
    throw relayAway(link.status, link.status.error);
  }
  const deadline = AbortSignal.timeout(limits.networkQuerySeconds * 1000);
  const outcome = await transport.query(query, AbortSignal.any([signal, deadline]));
  if (outcome.kind === 'done') return outcome.value;
  if (outcome.kind === 'lost' && !signal.aborted) link.hurry();
  throw failureOf(outcome, link.status, deadline.aborted);
}

// Another start may speak for the node, or this one may be about to for the first time: the relay answers all the same.
function isDown({ state, error }: LinkStatus): boolean {
  return state === 'waiting' || state === 'paused' || (state === 'opening' && error !== null);
}

function failureOf(
  outcome: Exclude<Outcome<unknown>, { kind: 'done' }>,
  status: LinkStatus,
  isLate: boolean,
): HoldfastError {
  if (outcome.kind === 'mismatch') return relayAway(status, 'the relay answered with a cursor');
  const { code, reason } = outcome;
  const isItsOwn = outcome.kind === 'failed' || outcome.kind === 'too-large' || ofQueries.has(code ?? '');
  if (isItsOwn && isErrorCode(code) && !away.has(code)) return new HoldfastError(code, reason);
  return relayAway(status, isLate ? 'the relay did not answer in time' : reason);
}
