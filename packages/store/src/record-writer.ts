import {
  type Document,
  HoldfastError,
  type HybridClock,
  mergePatch,
  type Now,
  parseDocument,
} from '@holdfast/protocol';
import type { Database, Statement } from '@holdfast/sqlite';

import type { Declarations } from './declared/declarations.ts';
import { digestShare, storedShare } from './digest.ts';
import type { Precondition, StoreOperation, WriteResult } from './operation.ts';
import type { RetiredRecords } from './retention/retired-records.ts';
import {
  isAsWritten,
  RECORD_COLUMNS,
  type RecordColumns,
  type RecordContent,
  recordHash,
  type RecordRow,
  STORED_COLUMNS,
  type StoredColumns,
} from './row.ts';
import { parseStored } from './stored-json.ts';
import type { StreamState } from './stream-state.ts';
import type { WrittenCollections } from './written-collections.ts';

/** What a writer needs beside the file. */
export interface RecordWriterOptions {
  readonly stream: StreamState;
  readonly declarations: Declarations;
  readonly retired: RetiredRecords;
  readonly written: WrittenCollections;
  readonly clock: HybridClock;
  readonly now: Now;
}

/** Changes records of one file, inside a transaction the caller holds. */
export class RecordWriter {
  readonly #stream: StreamState;
  readonly #declarations: Declarations;
  readonly #retired: RetiredRecords;
  readonly #written: WrittenCollections;
  readonly #clock: HybridClock;
  readonly #now: Now;
  readonly #find: Statement;
  readonly #insertNew: Statement;
  readonly #insert: Statement;
  readonly #update: Statement;
  readonly #at: Statement;
  readonly #renew: Statement;
  readonly #note: Statement;
  readonly #move: Statement;
  #expectsNew = true;

  constructor(database: Database, { stream, declarations, retired, written, clock, now }: RecordWriterOptions) {
    this.#stream = stream;
    this.#retired = retired;
    this.#written = written;
    this.#declarations = declarations;
    this.#clock = clock;
    this.#now = now;
    this.#find = database.prepare(
      `SELECT ${STORED_COLUMNS} FROM records WHERE collection = ? AND resource = ? AND id = ?`,
    );
    const insert = `INSERT INTO records (${RECORD_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
    this.#insert = database.prepare(insert);
    this.#insertNew = database.prepare(`${insert} ON CONFLICT (collection, resource, id) DO NOTHING`);
    this.#update = database.prepare(
      `UPDATE records SET seq = ?, version = ?, created_at = ?, updated_at = ?, expires_at = ?, deleted = ?, hash = ?, doc = ?,
       rejected = 0, relay_hash = NULL WHERE seq = ?`,
    );
    this.#at = database.prepare(`SELECT ${STORED_COLUMNS} FROM records WHERE seq = ?`);
    this.#renew = database.prepare('UPDATE records SET version = ?, hash = ? WHERE seq = ?');
    this.#note = database.prepare('UPDATE records SET rejected = ?, relay_hash = ? WHERE seq = ?');
    this.#move = database.prepare('UPDATE records SET seq = ? WHERE seq = ?');
  }

  /**
   * Applies one operation: gives the record its next version and seq. Throws `precondition-failed`;
   * `record-not-found` for a patch or deletion of what is not there; `invalid-request` when the document is not what
   * the collection takes.
   */
  apply(resource: string, operation: StoreOperation): WriteResult {
    const { collection, id } = operation;
    const nowMs = this.#now();
    if (this.#expectsNew && operation.op === 'put' && operation.precondition === undefined) {
      const result = this.#tryInsert(resource, operation, nowMs);
      if (result !== undefined) return result;
    }
    const stored = this.find(resource, collection, id);
    this.#expectsNew = stored === undefined;
    const live = stored !== undefined && isLive(stored, nowMs) ? stored : undefined;
    assertPrecondition(operation.precondition, live, id);
    if (operation.op !== 'put' && live === undefined) throw notFound(collection, id);
    this.#declarations.assertChangeable(collection, live !== undefined);
    const document = operation.op === 'delete' ? null : this.#documentAfter(resource, operation, live);
    const row = this.#nextRow({
      resource,
      collection,
      id,
      createdAtMs: live?.created_at ?? nowMs,
      updatedAtMs: nowMs,
      expiresAtMs: this.#expiryAfter(operation, live, nowMs),
      deleted: document === null,
      doc: document === null ? null : document.text,
    });
    this.place(row, stored);
    return { id, version: row.version, seq: row.seq };
  }

  /** The record under a key, tombstones and expired ones included. */
  find(resource: string, collection: string, id: string): StoredColumns | undefined {
    return this.#find.get(collection, resource, id) as StoredColumns | undefined;
  }

  /** Puts a row in the place of `stored`, or in a new one, and keeps the counters right. */
  place(row: RecordRow, stored: StoredColumns | undefined): void {
    const { seq, version, createdAtMs, updatedAtMs, expiresAtMs, hash, doc } = row;
    const deleted = row.deleted ? 1 : 0;
    if (stored === undefined) {
      this.#insert.run(...insertValues(row));
    } else {
      this.#update.run(seq, version, createdAtMs, updatedAtMs, expiresAtMs, deleted, hash, doc, stored.seq);
    }
    this.#count(row, stored);
  }

  /** The record at a seq; undefined when none stands there, as it has changed since. */
  at(seq: number): StoredColumns | undefined {
    return this.#at.get(seq) as StoredColumns | undefined;
  }

  /**
   * Gives a record a version above all the clock has seen, of the start that wrote it; all else of it stays, its seq too.
   * Returns it as it is then.
   */
  renew(stored: StoredColumns): StoredColumns {
    const version = this.#clock.renewed(stored.version);
    const hash = recordHash({
      ...stored,
      version,
      createdAtMs: stored.created_at,
      updatedAtMs: stored.updated_at,
      expiresAtMs: stored.expires_at,
      deleted: stored.deleted === 1,
    });
    this.#renew.run(version, hash, stored.seq);
    this.#stream.set({ lastVersion: version });
    const renewed = { ...stored, version, hash };
    this.#stream.xorDigest(storedShare(stored) ^ storedShare(renewed));
    return renewed;
  }

  /** Notes whether the relay rejected a record as it stands, and what it holds in its place. */
  note(
    stored: Pick<StoredColumns, 'seq' | 'hash' | 'expires_at' | 'rejected' | 'relay_hash'>,
    said: Pick<StoredColumns, 'rejected' | 'relay_hash'>,
  ): void {
    this.#note.run(said.rejected, said.relay_hash, stored.seq);
    this.#stream.xorDigest(storedShare(stored) ^ storedShare({ ...stored, ...said }));
  }

  /** Gives a record the next seq, so that it is sent as it stands; the relay may take now what it rejected before. */
  sendAgain(stored: StoredColumns): void {
    const { acked, outbox } = this.#stream.counters;
    if (stored.rejected === 1) this.note(stored, { rejected: 0, relay_hash: null });
    this.#move.run(this.#stream.nextSeq(), stored.seq);
    if (stored.seq <= acked.seq) this.#stream.set({ outbox: outbox + 1 });
  }

  // While records turn out to be new, one statement writes them: the key's own index says if one was there after all.
  #tryInsert(
    resource: string,
    operation: Extract<StoreOperation, { op: 'put' }>,
    nowMs: number,
  ): WriteResult | undefined {
    const { collection, id } = operation;
    const document = this.#declarations.accept(resource, operation, operation.document);
    const times = {
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
      expiresAtMs: this.#expiryAfter(operation, undefined, nowMs),
    };
    const row = this.#nextRow({ resource, collection, id, ...times, deleted: false, doc: document.text });
    if (this.#insertNew.run(...insertValues(row)).changes === 0) {
      this.#stream.set({ lastSeq: row.seq - 1 });
      return undefined;
    }
    this.#count(row, undefined);
    return { id, version: row.version, seq: row.seq };
  }

  #nextRow(content: Omit<RecordContent, 'version'>): RecordRow {
    const versioned = { ...content, version: this.#clock.next() };
    this.#stream.set({ lastVersion: versioned.version });
    return { ...versioned, seq: this.#stream.nextSeq(), hash: recordHash(versioned) };
  }

  #documentAfter(
    resource: string,
    operation: Exclude<StoreOperation, { op: 'delete' }>,
    live: RecordColumns | undefined,
  ): Document {
    const document = operation.op === 'put' ? operation.document : merged(operation.patch, live);
    return this.#declarations.accept(resource, operation, document);
  }

  #expiryAfter(operation: StoreOperation, live: RecordColumns | undefined, nowMs: number): number | null {
    if (operation.op === 'delete') return null;
    if (operation.op === 'patch') return operation.expiresAtMs ?? live?.expires_at ?? null;
    return operation.expiresAtMs ?? this.#declarations.expiryMs(operation.collection, nowMs);
  }

  #count(row: RecordRow, stored: StoredColumns | undefined): void {
    this.#declarations.noted(row);
    this.#written.note(row.resource, row.collection);
    if (stored === undefined) this.#retired.forget(row);
    this.#stream.xorDigest(stored === undefined ? digestShare(row) : digestShare(row) ^ storedShare(stored));
    const { outbox, acked } = this.#stream.counters;
    const wasWaiting = stored !== undefined && stored.seq > acked.seq;
    const isWaiting = row.seq > acked.seq;
    if (wasWaiting !== isWaiting) this.#stream.set({ outbox: outbox + (isWaiting ? 1 : -1) });
    const wasThere = stored?.deleted === 0;
    const isThere = !row.deleted;
    if (wasThere !== isThere) this.#stream.count(row.collection, isThere ? 1 : -1);
  }
}

/** Whether a record can be seen: not deleted, not expired (protocol rule 16). */
export function isLive(record: Pick<RecordColumns, 'deleted' | 'expires_at'>, nowMs: number): boolean {
  return record.deleted === 0 && (record.expires_at === null || record.expires_at > nowMs);
}

function insertValues(row: RecordRow): (string | number | null)[] {
  const { seq, resource, collection, id, version, createdAtMs, updatedAtMs, expiresAtMs, hash, doc } = row;
  const deleted = row.deleted ? 1 : 0;
  return [seq, resource, collection, id, version, createdAtMs, updatedAtMs, expiresAtMs, deleted, hash, doc];
}

// Rot that were patched would get a hash that fits, and nobody could tell it from what was written any more.
function merged(patch: Document, live: RecordColumns | undefined): Document {
  if (live !== undefined && !isAsWritten(live)) {
    throw new HoldfastError('file-damaged', 'the record to be patched is not what was written');
  }
  const before = parseStored(live?.doc ?? 'null');
  return parseDocument(JSON.stringify(mergePatch(before, patch.value)));
}

function assertPrecondition(wanted: Precondition | undefined, live: RecordColumns | undefined, id: string): void {
  if (wanted === undefined) return;
  const holds =
    wanted.kind === 'version' ? live?.version === wanted.version : (live !== undefined) === (wanted.kind === 'present');
  if (holds) return;
  const detail = live === undefined ? `there is no record "${id}"` : `record "${id}" has version ${live.version}`;
  throw new HoldfastError('precondition-failed', detail, { extensions: { version: live?.version ?? null } });
}

function notFound(collection: string, id: string): HoldfastError {
  return new HoldfastError('record-not-found', `there is no record "${id}" in "${collection}"`);
}
