import type { Answer, Handlers } from '@holdfast/http';
import type { daemonRoutes, DaemonRouteId, Now } from '@holdfast/protocol';

import type { AckWish, Records } from '../service/records.ts';
import { duplicatesOf } from '../service/recruiter/duplicates.ts';
import { acknowledgeInteraction, pendingInteractions } from '../service/recruiter/interactions.ts';
import { recordOutcome, upcomingInterviews } from '../service/recruiter/interviews.ts';
import { matchesOf } from '../service/recruiter/matches.ts';
import type { Settled } from '../service/recruiter/settle.ts';
import { type DaemonCaller, scopeOf } from './caller.ts';
import { ackWish } from './write-headers.ts';

const DEFAULT_DUPLICATES = 100;

type RecruiterRouteId = Extract<
  DaemonRouteId,
  `candidate.${string}` | `requisition.${string}` | `interview.${string}` | `interaction.${string}`
>;

/** Answers the calls for recruiters. */
export function recruiterHandlers(
  records: Records,
  now: Now,
): Handlers<Pick<typeof daemonRoutes, RecruiterRouteId>, DaemonCaller> {
  return {
    'candidate.duplicates': ({ identity, query: { limit = DEFAULT_DUPLICATES } }) => ({
      json: duplicatesOf(records, scopeOf(identity), limit),
    }),
    'requisition.matches': async ({ identity, params: { id }, query }) => ({
      json: await matchesOf(records, scopeOf(identity), { requisition: id, ...query }),
    }),
    'interview.upcoming': ({ identity, query }) => ({
      json: upcomingInterviews(records, scopeOf(identity), query, now()),
    }),
    'interview.outcome': async ({ identity, params: { id }, body, query }) => {
      const wish = ackWish(query);
      const settled = await recordOutcome(records, scopeOf(identity), { id, said: body.value, now }, wish);
      return settledAnswer(id, settled, wish);
    },
    'interaction.pending': ({ identity, query }) => ({
      json: pendingInteractions(records, scopeOf(identity), query),
    }),
    'interaction.acknowledge': async ({ identity, params: { id }, body, query }) => {
      const wish = ackWish(query);
      const { acknowledgedAt, ...settled } = await acknowledgeInteraction(
        records,
        scopeOf(identity),
        { id, said: body.value, now },
        wish,
      );
      return settledAnswer(id, settled, wish, { acknowledged_at: acknowledgedAt });
    },
  };
}

function settledAnswer(id: string, { version, ack, repeated }: Settled, wish: AckWish, further: object = {}): Answer {
  return {
    ...(ack !== wish.ack && { status: 202 }),
    headers: { etag: `"${version}"` },
    json: { id, version, ack, repeated, ...further },
  };
}
