import { hash, randomBytes } from 'node:crypto';

import { type BuiltInDocuments, documentOf, type Json, type Session } from '@holdfast/protocol';
import { parseStored, type RecordsTransaction, toTimestamp } from '@holdfast/store';

/** The collection that sessions are records of. */
export const COLLECTION = 'sessions';

const KEY_BYTES = 32;
const DEFAULT_LIFETIME_SECONDS = 3600;

/** A session's document. */
export type SessionDocument = BuiltInDocuments['sessions'];

/** A key that nobody has: 256 random bits. */
export function makeKey(): string {
  return randomBytes(KEY_BYTES).toString('base64url');
}

/**
 * The id of the session with a key. One way only: whoever reads the records, or a backup of them, cannot make the key of it.
 * The key is random, so a hash that is quick to compute is enough.
 */
export function idOf(key: string): string {
  return hash('sha256', key, 'hex');
}

/** When a session ends, in milliseconds since 1970. */
function endMsOf(document: SessionDocument): number {
  return Date.parse(document.extended_at) + lifetimeMsOf(document);
}

/** How long a session lasts after it was extended. */
export function lifetimeMsOf({ lifetime_seconds: seconds }: SessionDocument): number {
  return (seconds ?? DEFAULT_LIFETIME_SECONDS) * 1000;
}

/** A document as it was stored; undefined when there was none, or its session has ended. */
export function readDocument(text: string | undefined, nowMs: number): SessionDocument | undefined {
  const document = text === undefined ? undefined : (parseStored(text) as SessionDocument);
  return document !== undefined && endMsOf(document) > nowMs ? document : undefined;
}

/** Writes a session down; its record expires with it. */
export function writeSession(records: RecordsTransaction, id: string, document: SessionDocument): void {
  const value = document as Json;
  const stored = documentOf(value, JSON.stringify(value));
  records.write({ op: 'put', collection: COLLECTION, id, document: stored, expiresAtMs: endMsOf(document) });
}

/** A session as it is answered. */
export function sessionOf(id: string, document: SessionDocument): Session {
  const { user, data, address, user_agent: userAgent, kind, started_at: startedAt } = document;
  return {
    id,
    user,
    data: (data ?? {}) as Session['data'],
    address: address ?? null,
    user_agent: userAgent ?? null,
    kind: kind ?? 'sliding',
    lifetime_seconds: lifetimeMsOf(document) / 1000,
    started_at: startedAt,
    expires_at: toTimestamp(endMsOf(document)),
  };
}
