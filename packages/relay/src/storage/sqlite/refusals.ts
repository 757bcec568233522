import { type Cursor, HoldfastError } from '@holdfast/protocol';

import type { IncomingChange, Refusal } from '../relay-store.ts';

/** Throws `cursor-mismatch` unless a batch goes on from where the stream stands (protocol rule 4). */
export function assertFastForward(base: Cursor, cursor: Cursor): void {
  if (base.seq === cursor.seq && base.version === cursor.version) return;
  throw new HoldfastError('cursor-mismatch', `the stream stands at seq ${cursor.seq} here, not at ${base.seq}`, {
    extensions: { cursor },
  });
}

/** Why a change cannot be taken that has a version the store knows with other content. */
export function contradiction({ row }: IncomingChange): Refusal {
  if (row === undefined) throw new Error('a change without a row was not refused when it was read');
  const { resource, collection, id: record, version } = row;
  const reason = 'the relay holds other content under this very version';
  return { code: 'invalid-request', reason, resource, collection, record, version };
}
