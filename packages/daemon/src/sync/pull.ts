import { startOfBoot, type StartEntry } from '@holdfast/protocol';
import { type AgentStore, addSettlements, Lineage, NO_SETTLEMENT } from '@holdfast/store';

import { differencesOf, type Notice } from './notices.ts';
import type { NotDone, Outcome, Transport } from './transport.ts';

/** A stream to work on together with the relay, until aborted. */
export interface StreamWork {
  /** The start of the daemon that does it. */
  readonly boot: string;
  readonly agent: string;
  /** The agent's store, to be used at once. */
  readonly store: () => AgentStore;
  readonly transport: Transport;
  readonly signal: AbortSignal;
  readonly tell: (notice: Notice) => void;
}

/** The starts of this node, seen from the one that works, as an answer of the relay names them. */
export function lineageOf({ boot }: StreamWork, { starts }: { readonly starts: readonly StartEntry[] }): Lineage {
  return new Lineage(startOfBoot(boot), starts);
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
export async function pull(work: StreamWork): Promise<Outcome<undefined>> {
  const { agent, store, transport, signal, tell } = work;
  const { incarnation } = store();
  let settlement = NO_SETTLEMENT;
  let afterSeq = store().counters.acked.seq;
  for (let more = true; more;) {
    const outcome = await transport.streamPage({ agent, incarnation, afterSeq }, signal);
    if (outcome.kind !== 'done') return outcome;
    const lastSeq = outcome.value.changes.at(-1)?.seq ?? 0;
    more = outcome.value.more;
    if (more && lastSeq <= afterSeq) return NO_END;
    settlement = addSettlements(settlement, await store().adopt(outcome.value, lineageOf(work, outcome.value)));
    if (signal.aborted) return ABORTED;
    afterSeq = lastSeq;
  }
  if (differencesOf(settlement) > 0) tell({ kind: 'adopted', settlement });
  return { kind: 'done', value: undefined };
}
