import { ZERO_VERSION } from '@holdfast/protocol';
import type { Database, Statement } from '@holdfast/sqlite';

import { bucketOf, digestOf, digestShare, digestText } from '../digest.ts';
import type { RecordRow } from '../row.ts';
import type { StreamState } from '../stream-state.ts';
import { type RecordKey, retiredKey } from './retired-key.ts';

/** Remembered records looked at in one read. */
const RETIRED_AT_ONCE = 5000;

/** What is remembered of a record that was removed. */
export interface RetiredRecord {
  readonly version: string;
  /** What it adds to the digest. */
  readonly share: bigint;
}

/** A record that was removed, as far as comparing needs it. */
export interface ComparedRetired extends RetiredRecord {
  readonly key: Buffer;
  readonly bucket: number;
}

interface RetiredColumns {
  readonly key: Buffer;
  readonly bucket: number;
  readonly version: string;
  readonly share: string;
}

/** What a record is, as far as remembering it needs. */
type RetiringRecord = RecordKey & Pick<RecordRow, 'version' | 'hash' | 'expiresAtMs'>;

/** Whether a key is that of a record, and does not stand for a bucket. */
export function isOfRecord(key: Buffer): boolean {
  return key.length > 1;
}

/**
 * What is remembered of records that retention removed from a file (protocol rule 17): they count in the digest as if they
 * were there, until they are written anew. Everything that writes needs a transaction.
 */
export class RetiredRecords {
  readonly #stream: StreamState;
  readonly #find: Statement;
  readonly #put: Statement;
  readonly #drop: Statement;
  readonly #dropAbove: Statement;
  readonly #page: Statement;
  #mayHaveAny: boolean;

  constructor(database: Database, stream: StreamState) {
    this.#stream = stream;
    this.#find = database.prepare('SELECT version, share FROM retired WHERE key = ?');
    this.#put = database.prepare(
      'INSERT OR REPLACE INTO retired (key, seq, bucket, version, share) VALUES (?, ?, ?, ?, ?)',
    );
    this.#drop = database.prepare('DELETE FROM retired WHERE key = ? RETURNING share').pluck();
    this.#dropAbove = database.prepare('DELETE FROM retired WHERE seq > ? RETURNING share').pluck();
    this.#page = database.prepare(
      `SELECT key, bucket, version, share FROM retired WHERE key > ? ORDER BY key LIMIT ${RETIRED_AT_ONCE}`,
    );
    this.#mayHaveAny = database.prepare('SELECT 1 FROM retired LIMIT 1').get() !== undefined;
  }

  /** Whether there may be any: else a write need not ask. */
  get mayHaveAny(): boolean {
    return this.#mayHaveAny;
  }

  /** What is remembered of a record; undefined: nothing. */
  find(record: RecordKey): RetiredRecord | undefined {
    if (!this.#mayHaveAny) return undefined;
    const row = this.#find.get(retiredKey(record)) as Pick<RetiredColumns, 'version' | 'share'> | undefined;
    return row && { version: row.version, share: digestOf(row.share) };
  }

  /** Remembers a record that is removed from its seq. The digest stays what it was. */
  add(record: RetiringRecord, seq: number): void {
    this.#mayHaveAny = true;
    this.#put.run(retiredKey(record), seq, bucketOf(record), record.version, digestText(digestShare(record)));
  }

  /** The relay holds this in the place of what is remembered, and it is no later one: it counts from now on. */
  replace(record: RetiringRecord, { share }: RetiredRecord): void {
    this.#stream.xorDigest(share ^ digestShare(record));
    this.add(record, 0);
  }

  /** The record is here again: it counts by itself. */
  forget(record: RecordKey): void {
    if (this.#mayHaveAny) this.drop(retiredKey(record));
  }

  /** Forgets what is remembered under a key, so that it counts no more. Returns whether there was anything. */
  drop(key: Buffer): boolean {
    const share = this.#drop.get(key) as string | undefined;
    if (share === undefined) return false;
    this.#stream.xorDigest(digestOf(share));
    return true;
  }

  /** Forgets all that was removed from above a seq. Returns how many. */
  dropAbove(seq: number): number {
    const shares = this.#dropAbove.all(seq) as string[];
    for (const share of shares) this.#stream.xorDigest(digestOf(share));
    return shares.length;
  }

  /** The relay counts, in a bucket, records that it removed and that nobody here knows: they count here from now on. */
  countUnknown(bucket: number, share: bigint): void {
    const key = Buffer.from([bucket]);
    const row = this.#find.get(key) as Pick<RetiredColumns, 'share'> | undefined;
    const before = row === undefined ? 0n : digestOf(row.share);
    this.#mayHaveAny = true;
    this.#put.run(key, 0, bucket, ZERO_VERSION, digestText(before ^ share));
    this.#stream.xorDigest(share);
  }

  /** The next ones by key, to be compared; none: that was all. Needs no transaction. */
  page(afterKey: Buffer): ComparedRetired[] {
    return (this.#page.all(afterKey) as RetiredColumns[]).map((row) => ({ ...row, share: digestOf(row.share) }));
  }
}
