import { type Cursor, ZERO_VERSION } from '@holdfast/protocol';

/** Where the relay stands in a stream it knows nothing of. */
export const NOWHERE: Cursor = Object.freeze({ seq: 0, version: ZERO_VERSION });

/** Whether two cursors are the same. */
export function isSame(one: Cursor, other: Cursor): boolean {
  return one.seq === other.seq && one.version === other.version;
}
