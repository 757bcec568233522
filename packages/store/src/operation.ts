import type { Document, FenceProof } from '@holdfast/protocol';

/** What a write asks of the record as it stands: a version, to be there at all, or not to be there. */
export type Precondition =
  | { readonly kind: 'version'; readonly version: string }
  | { readonly kind: 'present' }
  | { readonly kind: 'absent' };

interface Target {
  readonly collection: string;
  readonly id: string;
  readonly precondition?: Precondition;
}

/** One change to one record. `expiresAtMs`: milliseconds since 1970, null for never. */
export type StoreOperation =
  | (Target & { readonly op: 'put'; readonly document: Document; readonly expiresAtMs: number | null })
  /** JSON Merge Patch; `expiresAtMs` undefined keeps the record's own. */
  | (Target & { readonly op: 'patch'; readonly patch: Document; readonly expiresAtMs?: number })
  | (Target & { readonly op: 'delete' });

/** Where a change went. */
export interface WriteResult {
  readonly id: string;
  readonly version: string;
  readonly seq: number;
}

/** Remembers a request by its key, so that the same one again has the same answer and no further effect. */
export interface Idempotency {
  readonly key: string;
  /** Hash of the whole request; another request under the same key is refused. */
  readonly fingerprint: string;
}

/** Operations of one resource that are written together or not at all. */
export interface Write {
  readonly resource: string;
  readonly operations: readonly StoreOperation[];
  readonly idempotency?: Idempotency;
  /** The locks it is done under: refused when a later lease of one was seen. */
  readonly fences?: readonly FenceProof[];
}

/** Rough size of an operation in a transaction, in bytes. */
export function operationBytes(operation: StoreOperation): number {
  const envelopeBytes = 200;
  if (operation.op === 'delete') return envelopeBytes;
  return envelopeBytes + (operation.op === 'put' ? operation.document : operation.patch).text.length;
}
