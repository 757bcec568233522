import { type Change, changeSchema } from '@holdfast/protocol';
import type { RecordRow } from '@holdfast/store';

/** Fits no record. */
const NO_HASH = '0'.repeat(32);

/** Stored records as they travel. */
export interface ReadChanges<Row> {
  readonly changes: (Change & Omit<Row, keyof RecordRow>)[];
  /** How many of them cannot be read any more: their hash does not fit, so that nobody takes them over. */
  readonly unreadable: number;
  /** How many are not among them, as nothing that a node would understand can be said of them. */
  readonly leftOut: number;
}

/**
 * Stored records as they travel. One that rotted must not keep a reader from all others: if anything can be said of it at all, it goes
 * out with a hash that does not fit. So a node knows which record is broken here, and sends its own.
 */
export function readChanges<Row extends RecordRow>(rows: readonly Row[]): ReadChanges<Row> {
  let unreadable = 0;
  let leftOut = 0;
  const changes = rows.flatMap((row) => {
    const doc = readDocument(row);
    const change = { ...row, doc: doc ?? null };
    const isUnderstood = isChange(change);
    if (doc !== undefined && isUnderstood) return [change];
    if (isUnderstood || isChange({ ...change, hash: NO_HASH })) {
      unreadable += 1;
      return [isUnderstood ? change : { ...change, hash: NO_HASH }];
    }
    leftOut += 1;
    return [];
  });
  return { changes, unreadable, leftOut };
}

function isChange(change: Change): boolean {
  return changeSchema.safeParse(change).success;
}

/** The document's value, null for a tombstone; undefined if its text is no JSON any more. */
function readDocument({ doc }: RecordRow): unknown {
  if (doc === null) return null;
  try {
    return JSON.parse(doc) as unknown;
  } catch {
    return undefined;
  }
}
