import { documentOf, HoldfastError, isHoldfastError, type JsonObject } from '@holdfast/protocol';

import type { Ack } from '../../sync/sync-engine.ts';
import type { AckWish, Records, Scope } from '../records.ts';

/** How often a record that others change meanwhile is looked at again. */
const MOST_TRIES = 8;

/** A record that is to be settled once. */
export interface ToSettle {
  readonly collection: string;
  readonly id: string;
  /** What to change in the record as it stands; undefined: just this was said before. Throws to refuse. */
  readonly change: (document: unknown) => JsonObject | undefined;
}

/** What came of it. */
export interface Settled {
  readonly version: string;
  readonly ack: Ack;
  /** Whether just this was said before: nothing was written. */
  readonly repeated: boolean;
  /** The change that was written. */
  readonly written?: JsonObject;
  /** The record's document as it stood before. */
  readonly before: unknown;
}

/**
 * Changes a record that is settled once, however many callers race: it is written only on top of the version that was
 * judged, so that of two callers one meets what the other wrote and is judged by that. Throws `record-not-found`, what
 * `change` throws, and what `Records.write` throws.
 */
export async function settle(
  records: Records,
  scope: Scope,
  { collection, id, change }: ToSettle,
  wish: AckWish,
): Promise<Settled> {
  for (let tries = 1; ; tries += 1) {
    const { version, text } = records.read(scope, collection, id);
    const before: unknown = JSON.parse(text);
    const patch = change(before);
    if (patch === undefined) return { version, ack: 'local', repeated: true, before };
    const operation = {
      op: 'patch',
      collection,
      id,
      patch: documentOf(patch, JSON.stringify(patch)),
      precondition: { kind: 'version', version },
    } as const;
    try {
      const { results, ack } = await records.write(scope, { operations: [operation] }, wish);
      return { version: results[0]?.version ?? version, ack, repeated: false, written: patch, before };
    } catch (error) {
      if (!isHoldfastError(error, 'precondition-failed') || tries === MOST_TRIES) throw error;
    }
  }
}

/** The refusal of a record that is not in the state to be settled so. */
export function settledOtherwise(detail: string): HoldfastError {
  return new HoldfastError('precondition-failed', detail);
}
