import { DIGEST_BUCKETS } from '@holdfast/protocol';

import type { RecordRow, StoredColumns } from './row.ts';

/** Hexadecimal digits of a content hash that go into a digest: 64 bits. */
const DIGEST_DIGITS = 16;

const DIGEST = /^[0-9a-f]{16}$/;

/** The digest of no records. */
export const EMPTY_DIGEST: string = '0'.repeat(DIGEST_DIGITS);

/**
 * What a record adds to its agent's digest (protocol rule 12); XOR it in when the record comes, and again when it goes.
 * Nothing for a record that expires: each side sweeps those on its own.
 */
export function digestShare(record: Pick<RecordRow, 'hash' | 'expiresAtMs'>): bigint {
  return record.expiresAtMs === null ? BigInt(`0x${record.hash.slice(0, DIGEST_DIGITS)}`) : 0n;
}

/**
 * What a record as it stands in an agent's file adds to the node's digest: what the relay must hold of it. For a
 * rejected one that is an older version, if any.
 */
export function storedShare(stored: Pick<StoredColumns, 'hash' | 'expires_at' | 'rejected' | 'relay_hash'>): bigint {
  if (stored.rejected === 0) return digestShare({ hash: stored.hash, expiresAtMs: stored.expires_at });
  return stored.relay_hash === null ? 0n : digestShare({ hash: stored.relay_hash, expiresAtMs: null });
}

/** A digest as text: 16 hexadecimal digits. */
export function digestText(digest: bigint): string {
  return digest.toString(16).padStart(DIGEST_DIGITS, '0');
}

/** Whether a text is a digest; what rotted may be none. */
export function isDigest(text: string): boolean {
  return DIGEST.test(text);
}

/** A digest from its text. */
export function digestOf(text: string): bigint {
  return BigInt(`0x${text}`);
}

/** The bucket a record is compared in, from its key alone: FNV-1a over UTF-16 code units, modulo the number of buckets. */
export function bucketOf({ resource, collection, id }: Pick<RecordRow, 'resource' | 'collection' | 'id'>): number {
  let hash = 0x811c9dc5;
  const key = `${resource}\0${collection}\0${id}`;
  for (let at = 0; at < key.length; at += 1) {
    hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  }
  return (hash >>> 0) % DIGEST_BUCKETS;
}
