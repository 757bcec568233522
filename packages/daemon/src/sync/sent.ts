import type { Cursor, Reject } from '@holdfast/protocol';
import type { OutboxBatch } from '@holdfast/store';

import type { EncodedBatch } from './transport.ts';

/** What was sent last: should its answer be lost, the relay's cursor tells that it was taken. */
export interface Sent {
  readonly upto: Cursor;
  readonly changes: number;
  /** See `OutboxBatch`. */
  readonly digest?: string | undefined;
  /** What was kept out of it because the relay will not take it. */
  readonly rejects: readonly Reject[];
}

/** A batch on its way to being sent. */
export interface Prepared {
  readonly batch: OutboxBatch;
  readonly encoded: Promise<EncodedBatch>;
}
