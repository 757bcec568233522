import { type Interview, type JsonObject, type Now } from '@holdfast/protocol';
import { toTimestamp } from '@holdfast/store';
import { z } from 'zod';

import type { AckWish, RecordPage, Records, Scope } from '../records.ts';
import { type Settled, settle, settledOtherwise } from './settle.ts';

const DAY_MS = 86_400_000;
const DEFAULT_DAYS = 7;

/** Which interviews to list. */
export interface UpcomingRequest {
  readonly days?: number | undefined;
  readonly interviewer?: string | undefined;
  readonly from?: string | undefined;
  readonly limit?: number | undefined;
  readonly after?: string | undefined;
}

/** Interviews of a span of time, a page of them. */
export interface Upcoming extends RecordPage {
  readonly from: string;
  readonly until: string;
}

/** How an interview ended. */
export interface OutcomeRequest {
  readonly outcome: NonNullable<Interview['outcome']>;
  readonly feedback?: string | undefined;
  readonly rating?: number | undefined;
}

/** The scheduled interviews from now, or another time, on, the next one first. Throws `invalid-request`. */
export function upcomingInterviews(
  records: Records,
  scope: Scope,
  { days = DEFAULT_DAYS, interviewer, from, ...page }: UpcomingRequest,
  nowMs: number,
): Upcoming {
  const fromMs = from === undefined ? nowMs : Date.parse(from);
  const span = { from: toTimestamp(fromMs), until: toTimestamp(fromMs + days * DAY_MS) };
  const found = records.page(scope, 'interviews', {
    where: {
      status: 'scheduled',
      scheduled_at: { gte: span.from, lt: span.until },
      ...(interviewer !== undefined && { interviewer }),
    },
    orderBy: [{ scheduled_at: 'asc' }],
    ...page,
  });
  return { ...span, ...found };
}

/**
 * Records how an interview ended; it is done then. The same again changes nothing. Throws `record-not-found`, and
 * `precondition-failed` when it ended otherwise before, or does not take place.
 */
export function recordOutcome(
  records: Records,
  scope: Scope,
  { id, said, now }: { readonly id: string; readonly said: OutcomeRequest; readonly now: Now },
  wish: AckWish,
): Promise<Settled> {
  const change = (document: unknown): JsonObject | undefined => {
    const { status, ...stored } = storedSchema.parse(document);
    if (status === 'scheduled') return outcomePatch(said, now());
    if (status !== 'done') throw settledOtherwise(`the interview is ${status}: make it scheduled first`);
    if (isSame(stored, said)) return undefined;
    throw settledOtherwise('the interview has another outcome already; correct the record itself if that is wrong');
  };
  return settle(records, scope, { collection: 'interviews', id, change }, wish);
}

const storedSchema = z.object({
  status: z.enum(['scheduled', 'done', 'cancelled', 'no_show']).catch('scheduled'),
  outcome: z.unknown().optional(),
  feedback: z.unknown().optional(),
  rating: z.unknown().optional(),
});

// What is not said stays: an interviewer may have written feedback into the record before.
function outcomePatch({ outcome, feedback, rating }: OutcomeRequest, nowMs: number): JsonObject {
  return {
    status: 'done',
    outcome,
    ...(feedback !== undefined && { feedback }),
    ...(rating !== undefined && { rating }),
    done_at: toTimestamp(nowMs),
  };
}

function isSame(
  stored: Pick<z.infer<typeof storedSchema>, 'outcome' | 'feedback' | 'rating'>,
  { outcome, feedback, rating }: OutcomeRequest,
): boolean {
  return (
    stored.outcome === outcome &&
    (feedback === undefined || stored.feedback === feedback) &&
    (rating === undefined || stored.rating === rating)
  );
}
