import { hash } from 'node:crypto';

import type { Change } from '@holdfast/protocol';

/** A record as it stands in a file, tombstones included. Times are milliseconds since 1970. */
export interface RecordRow {
  readonly seq: number;
  readonly resource: string;
  readonly collection: string;
  readonly id: string;
  readonly version: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** Null: never. */
  readonly expiresAtMs: number | null;
  readonly deleted: boolean;
  /** See `recordHash`. */
  readonly hash: string;
  /** The document's text; null when deleted. */
  readonly doc: string | null;
}

/** A record without what only its stream knows: position and hash. */
export type RecordContent = Omit<RecordRow, 'seq' | 'hash'>;

/** The columns of a record, in the one order statements list them, under the names of `RecordColumns`. */
export const RECORD_COLUMNS =
  'seq, resource, collection, id, version, created_at, updated_at, expires_at, deleted, hash, doc';

/** A record as SQLite gives it. */
export interface RecordColumns {
  readonly seq: number;
  readonly resource: string;
  readonly collection: string;
  readonly id: string;
  readonly version: string;
  readonly created_at: number;
  readonly updated_at: number;
  readonly expires_at: number | null;
  readonly deleted: number;
  readonly hash: string;
  readonly doc: string | null;
}

/** A record as it stands in an agent's file, with what the relay said of it. */
export interface StoredColumns extends RecordColumns {
  /** 1: the relay would not take it as it stands here. */
  readonly rejected: number;
  /** Content hash of what the relay counts in its digest in the place of a rejected record; null: nothing, or not known. */
  readonly relay_hash: string | null;
}

/** The columns of `StoredColumns`. */
export const STORED_COLUMNS: string = `${RECORD_COLUMNS}, rejected, relay_hash`;

/**
 * The content hash of a record: the first 128 bits of SHA-256, in hexadecimal, over all that is the record's own.
 * Node and relay compute it alike, so an equal hash means equal bytes. NUL separates the parts: it can stand in none.
 */
export function recordHash(record: RecordContent): string {
  const parts = [
    record.resource,
    record.collection,
    record.id,
    record.version,
    record.createdAtMs,
    record.updatedAtMs,
    record.expiresAtMs ?? '',
    record.deleted ? 'deleted' : record.doc,
  ];
  return hash('sha256', parts.join('\0')).slice(0, 32);
}

/** A row as one line of a sync batch. The document's text goes in as it is stored, not parsed and written again. */
export function changeLine(columns: RecordColumns): string {
  const envelope = JSON.stringify({
    seq: columns.seq,
    resource: columns.resource,
    collection: columns.collection,
    id: columns.id,
    version: columns.version,
    createdAtMs: columns.created_at,
    updatedAtMs: columns.updated_at,
    expiresAtMs: columns.expires_at,
    deleted: columns.deleted === 1,
    hash: columns.hash,
  });
  return `${envelope.slice(0, -1)},"doc":${columns.doc ?? 'null'}}`;
}

/** A change that came over the wire, with its document as text, to be stored. */
export function rowOfChange(change: Change): RecordRow {
  const { doc, ...row } = change;
  return { ...row, doc: change.deleted ? null : JSON.stringify(doc) };
}

/** A record as SQLite gave it, under the names of `RecordRow`. */
export function rowOfColumns(columns: RecordColumns): RecordRow {
  const { seq, resource, collection, id, version, created_at, updated_at, expires_at, deleted, hash, doc } = columns;
  const times = { createdAtMs: created_at, updatedAtMs: updated_at, expiresAtMs: expires_at };
  return { seq, resource, collection, id, version, ...times, deleted: deleted === 1, hash, doc };
}

/** Whether a stored record is still what was written: its content gives its hash. */
export function isAsWritten(columns: RecordColumns): boolean {
  return recordHash(rowOfColumns(columns)) === columns.hash;
}
