import type { SubscriptionStanding } from '@holdfast/protocol';

import { agoText } from '../wording.ts';

/** Where an answer of the replica comes from and how old it may be, as one line. */
export function replicaText(subscriptions: readonly SubscriptionStanding[], nowMs: number): string {
  const parts = subscriptions.map(({ name, caught_up_at: caughtUpAt }) => {
    return `${name} ${caughtUpAt === null ? 'never complete yet' : `complete ${agoText(caughtUpAt, nowMs)}`}`;
  });
  return `from the copies of this node: ${parts.join('; ')}`;
}
