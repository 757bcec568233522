import { Counts } from './counts.ts';

/** Everything that can go wrong in a simulated world. Counted when it happened, not when it was planned. */
export const FAULT_KINDS = [
  'request-lost',
  'answer-lost',
  'request-twice',
  'request-late',
  'body-cut',
  'body-garbled',
  'answer-garbled',
  'server-error',
  'error-after-commit',
  'partition',
  'unauthorised',
  'too-large',
  'poison',
  'node-crash',
  'node-crash-in-commit',
  'node-crash-in-delivery',
  'node-crash-in-copying',
  'node-restart',
  'node-put-back',
  'file-put-back',
  'node-cloned',
  'node-clock',
  'node-record-lost',
  'relay-crash',
  'relay-crash-in-answer',
  'relay-restart',
  'relay-put-back',
  'relay-clock',
  'relay-record-lost',
] as const;

/** Faults that happen in each world at least. */
export const LEAST_FAULTS = 10;

/** One thing that can go wrong. */
export type FaultKind = (typeof FAULT_KINDS)[number];

/**
 * Faults after which node and relay may hold different records until digests are compared. In a calm world there are none of
 * these: every difference found there is one that the protocol's other rules should have kept from arising.
 */
export const PARTING_FAULTS: ReadonlySet<FaultKind> = new Set<FaultKind>([
  'body-garbled',
  'too-large',
  'poison',
  'node-put-back',
  'file-put-back',
  'node-cloned',
  'node-record-lost',
  'relay-record-lost',
]);

/** How often each fault happened. */
export class FaultCounts extends Counts<FaultKind> {
  constructor() {
    super(FAULT_KINDS);
  }
}
