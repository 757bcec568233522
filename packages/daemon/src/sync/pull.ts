import { type AgentStore, addSettlements, NO_SETTLEMENT } from '@holdfast/store';

import { differencesOf, type Notice } from './notices.ts';
import type { NotDone, Outcome, Transport } from './transport.ts';

/** A stream to work on together with the relay, until aborted. */
export interface StreamWork {
  readonly agent: string;
  /** The agent's store, to be used at once. */
  readonly store: () => AgentStore;
  readonly transport: Transport;
  readonly signal: AbortSignal;
  readonly tell: (notice: Notice) => void;
}

/** What is given for work that was aborted. */
export const ABORTED: NotDone = Object.freeze({ kind: 'failed', reason: 'aborted', retryAfterMs: 0 });

/** What is given for a relay that would keep us asking. */
export const NO_END: NotDone = Object.freeze({
  kind: 'failed',
  reason: 'the relay promised more and gave none',
  retryAfterMs: 0,
});

/** Takes over what the relay holds above our cursor, a page at a time, and tells of it (protocol rule 6). */
export async function pull({ agent, store, transport, signal, tell }: StreamWork): Promise<Outcome<undefined>> {
  const { incarnation } = store();
  let settlement = NO_SETTLEMENT;
  let afterSeq = store().counters.acked.seq;
  for (let more = true; more;) {
    const outcome = await transport.streamPage({ agent, incarnation, afterSeq }, signal);
    if (outcome.kind !== 'done') return outcome;
    const lastSeq = outcome.value.changes.at(-1)?.seq ?? 0;
    more = outcome.value.more;
    if (more && lastSeq <= afterSeq) return NO_END;
    settlement = addSettlements(settlement, await store().adopt(outcome.value));
    if (signal.aborted) return ABORTED;
    afterSeq = lastSeq;
  }
  if (differencesOf(settlement) > 0) tell({ kind: 'adopted', settlement });
  return { kind: 'done', value: undefined };
}
