import { type JsonObject, type Now } from '@holdfast/protocol';
import { toTimestamp } from '@holdfast/store';
import { z } from 'zod';

import type { AckWish, RecordPage, Records, Scope } from '../records.ts';
import { type Settled, settle, settledOtherwise } from './settle.ts';

/** Which interactions to list. */
export interface PendingRequest {
  readonly manager?: string | undefined;
  readonly limit?: number | undefined;
  readonly after?: string | undefined;
}

/** Who acknowledges, and what is answered. */
export interface AcknowledgeRequest {
  readonly by?: string | undefined;
  readonly response?: string | undefined;
}

/** What came of it, and when it was acknowledged; null: somebody wrote the record without a time. */
export interface Acknowledged extends Settled {
  readonly acknowledgedAt: string | null;
}

/** What nobody has acknowledged, the oldest first. Throws `invalid-request`. */
export function pendingInteractions(records: Records, scope: Scope, { manager, ...page }: PendingRequest): RecordPage {
  return records.page(scope, 'interactions', {
    where: { status: 'pending', ...(manager !== undefined && { manager }) },
    orderBy: [{ created_at: 'asc' }],
    ...page,
  });
}

/**
 * Acknowledges an interaction, once: of callers who race one does. The same person with the same response again changes
 * nothing. Throws `record-not-found`, and `precondition-failed` when it was acknowledged otherwise.
 */
export async function acknowledgeInteraction(
  records: Records,
  scope: Scope,
  { id, said, now }: { readonly id: string; readonly said: AcknowledgeRequest; readonly now: Now },
  wish: AckWish,
): Promise<Acknowledged> {
  const change = (document: unknown): JsonObject | undefined => {
    const stored = storedSchema.parse(document);
    if (stored.status === 'pending') return acknowledgement(said, now());
    if (stored.acknowledged_by === (said.by ?? null) && stored.response === (said.response ?? null)) return undefined;
    throw settledOtherwise('the interaction was acknowledged by another, or with another response');
  };
  const settled = await settle(records, scope, { collection: 'interactions', id, change }, wish);
  const { acknowledged_at: acknowledgedAt } = storedSchema.parse(settled.written ?? settled.before);
  return { ...settled, acknowledgedAt };
}

const text = z.string().nullable().catch(null);

const storedSchema = z.object({
  status: z.enum(['pending', 'acknowledged']).catch('pending'),
  acknowledged_at: text,
  acknowledged_by: text,
  response: text,
});

function acknowledgement({ by, response }: AcknowledgeRequest, nowMs: number): JsonObject {
  return {
    status: 'acknowledged',
    acknowledged_at: toTimestamp(nowMs),
    acknowledged_by: by ?? null,
    response: response ?? null,
  };
}
