import { hash } from 'node:crypto';

import type { RecordRow } from '../row.ts';

/** Hexadecimal digits of a key's hash: 128 bits. */
const KEY_DIGITS = 32;

/** What names a record. */
export type RecordKey = Pick<RecordRow, 'resource' | 'collection' | 'id'>;

/** What a record that was removed is remembered under: a hash of its key, as ids may be somebody's names. */
export function retiredKey({ resource, collection, id }: RecordKey): Buffer {
  return Buffer.from(hash('sha256', `${resource}\0${collection}\0${id}`).slice(0, KEY_DIGITS), 'hex');
}
