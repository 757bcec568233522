import { documentOf, HoldfastError, type JsonObject } from '@holdfast/protocol';
import { parseStored } from '@holdfast/store';

import type { Ack } from '../../sync/ack.ts';
import { type AckWish, noSuchRecord, type Records, type Scope } from '../records.ts';

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
 * Changes a record that is settled once, however many callers race: it is judged and written as one step. Throws
 * `record-not-found`, what `change` throws, and what `Records.transact` throws.
 */
export async function settle(
  records: Records,
  scope: Scope,
  { collection, id, change }: ToSettle,
  wish: AckWish,
): Promise<Settled> {
  const { result, ...settled } = await records.transact(scope, (transaction) => {
    const stored = transaction.read(collection, id);
    if (stored === undefined) throw noSuchRecord(collection, id);
    const before = parseStored(stored.text);
    const patch = change(before);
    if (patch === undefined) return { version: stored.version, repeated: true, before };
    const document = documentOf(patch, JSON.stringify(patch));
    const result = transaction.write({ op: 'patch', collection, id, patch: document });
    return { result, version: result.version, repeated: false, written: patch, before };
  });
  return { ...settled, ack: await records.acknowledged(scope, result === undefined ? [] : [result], wish) };
}

/** The refusal of a record that is not in the state to be settled so. */
export function settledOtherwise(detail: string): HoldfastError {
  return new HoldfastError('precondition-failed', detail);
}
