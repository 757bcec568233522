import { type Cursor, limits, ZERO_VERSION } from '@holdfast/protocol';
import { recordHash } from '@holdfast/store';

import type { IncomingBatch, IncomingChange, TokenEntry } from '../src/index.ts';

/** What a change is about; the rest has plain defaults. */
export interface ChangeParts {
  readonly seq: number;
  /** Place of the version in time: higher wins. Default: the seq. */
  readonly age?: number;
  readonly resource?: string;
  readonly collection?: string;
  readonly id?: string;
  readonly expiresAtMs?: number | null;
  /** The document; undefined: a tombstone. */
  readonly doc?: unknown;
}

/** A version that sorts by `age`. */
export function versionOf(age: number): string {
  return `${age.toString(16).padStart(12, '0')}-0000-00000001`;
}

/** The cursor after a change. */
export function cursorAt(seq: number, age: number = seq): Cursor {
  return seq === 0 ? { seq, version: ZERO_VERSION } : { seq, version: versionOf(age) };
}

/** A sound change, ready to be merged. */
export function makeChange(parts: ChangeParts): IncomingChange & { readonly row: NonNullable<IncomingChange['row']> } {
  const { seq, age = seq, resource = '', collection = 'notes', id = `r${seq}`, expiresAtMs = null } = parts;
  const deleted = parts.doc === undefined;
  const doc = deleted ? null : JSON.stringify(parts.doc);
  const times = { createdAtMs: 1000 + age, updatedAtMs: 1000 + age, expiresAtMs };
  const content = { resource, collection, id, version: versionOf(age), ...times, deleted, doc };
  const row = { ...content, seq, hash: recordHash(content) };
  return { seq, row, line: JSON.stringify({ ...row, doc: parts.doc ?? null }) };
}

/** A change that was refused when it was read. */
export function makeRefused(seq: number, reason = 'refused for the test'): IncomingChange {
  const refusal = { code: 'unsafe-document', reason, resource: null, collection: null, record: null, version: null };
  return { seq, line: `{"seq":${seq}}`, refusal };
}

/** One daemon start and one stream, as tests need them most. */
export const BOOT: string = 'b'.repeat(32);
export const INCARNATION: string = 'c'.repeat(32);

/** Time all conformance tests begin at, and the lease their sessions have. */
export const START_MS = 1_800_000_000_000;
export const LEASE_MS = 60_000;

/** Where a batch goes; the rest follows from its changes. */
export interface BatchPlace {
  readonly node?: string;
  readonly agent?: string;
  readonly boot?: string;
  readonly incarnation?: string;
  readonly nowMs?: number;
  readonly base?: Cursor;
  readonly upto?: Cursor;
  readonly digest?: string;
}

/** A batch of changes on top of a cursor; without `base` on top of the seq before the first change. */
export function makeBatch(changes: readonly IncomingChange[], place: BatchPlace = {}): IncomingBatch {
  const { node = 'htpc', agent = 'recruiter', boot = BOOT, incarnation = INCARNATION, nowMs = START_MS } = place;
  const base = place.base ?? cursorAt((changes[0]?.seq ?? 1) - 1);
  const last = changes.at(-1);
  const upto =
    place.upto ?? (last === undefined ? base : { seq: last.seq, version: last.row?.version ?? versionOf(last.seq) });
  const digest = place.digest === undefined ? {} : { digest: place.digest };
  const header = { boot, agent, incarnation, base, upto, count: changes.length, ...digest };
  if (changes.length > limits.syncBatchChanges) throw new RangeError('no batch is that long');
  const bytes = changes.reduce((sum, { line }) => sum + line.length, 0);
  return { node, boot, nowMs, silentBeforeMs: nowMs - LEASE_MS, header, changes, bytes };
}

/** A token entry of any role; its id and hash are made of a number. */
export function makeTokenEntry(number: number, parts: Partial<TokenEntry> = {}): TokenEntry {
  return {
    id: number.toString(16).padStart(12, '0'),
    hash: number.toString(16).padStart(64, '0'),
    role: 'viewer',
    name: 'someone',
    createdAtMs: START_MS,
    expiresAtMs: null,
    replaces: false,
    ...parts,
  };
}
