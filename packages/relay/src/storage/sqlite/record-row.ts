import { SHARED_AGENT } from '@holdfast/protocol';
import { digestShare, type RecordRow } from '@holdfast/store';

/** Whose records in the table are those that all nodes share. */
export const SHARED_OWNER_ID = 0;

/** Whose records those are that an agent's stream brings. In SQL over `agents`. */
export const OWNER_ID: string = `iif(agents.agent = '${SHARED_AGENT}', ${SHARED_OWNER_ID}, agents.id)`;

const HASH = /^[0-9a-f]{32}$/;

/** The columns of a record that travel, under the names they have in a `RecordRow`. */
export const RECORD_ROW = `seq, resource, collection, id, version, created_at AS createdAtMs, updated_at AS updatedAtMs,
  expires_at AS expiresAtMs, deleted, hash, doc`;

/** A record as SQLite gives it. */
export type RecordRowColumns = Omit<RecordRow, 'deleted'> & { readonly deleted: number };

/** A record as it travels. */
export function rowOf(columns: RecordRowColumns): RecordRow {
  return { ...columns, deleted: columns.deleted === 1 };
}

/** What decides whether and how a stored record counts in its agent's digest. */
export interface CountedColumns extends Pick<RecordRow, 'hash' | 'expiresAtMs'> {
  /** 1: a newer version came and was refused. */
  readonly outdated: number;
  /** 1: it is not what was taken. */
  readonly damaged: number;
}

/** What a stored record adds to its agent's digest: nothing if it is left out of it, or its hash is none any more. */
export function shareOf(stored: CountedColumns): bigint {
  return counts(stored) && HASH.test(stored.hash) ? digestShare(stored) : 0n;
}

/** Whether a stored record is part of its agent's digest, unless it expires. */
export function counts({ outdated, damaged }: CountedColumns): boolean {
  return outdated === 0 && damaged === 0;
}
