import { limits } from '@holdfast/protocol';
import type { Database, Statement } from '@holdfast/sqlite';
import { digestShare, type RecordRow } from '@holdfast/store';

import type { Refusal } from '../relay-store.ts';
import type { FeedPosition } from './feed-position.ts';
import type { FeedTable } from './feed-table.ts';
import { type CountedColumns, RECORD_ROW, type RecordRowColumns, rowOf, shareOf } from './record-row.ts';
import type { RetiredTable } from './retired-table.ts';

/** A page grows to so many times its size before records of one seq are parted. */
const MOST_PAGES_OF_ONE_SEQ = 4;

/** Whose record it is, and which stream brings it. */
export interface Owner {
  /** `SHARED_OWNER_ID`: of all nodes, whichever stream brings it. */
  readonly agentId: number;
  readonly streamId: number;
}

/** What became of a change. `contradicts`: the same version is here with other content, which no merge can settle. */
export type Merged = 'applied' | 'stale' | 'contradicts';

/** What changes did to an agent, to be written down once for all of them. */
export interface Tally {
  /** Whether each change is what the node has of its record now, and not what it once had. */
  readonly areCurrent: boolean;
  /** By collection: live records more than before. */
  readonly counts: Map<string, number>;
  /** What the agent's digest is to be XORed with (protocol rule 12). */
  digest: bigint;
}

interface Stored extends CountedColumns {
  readonly position: number;
  readonly version: string;
  readonly deleted: number;
}

interface SweptColumns {
  readonly position: number;
  readonly agent_id: number;
  readonly collection: string;
  readonly deleted: number;
}

/** What a table of records tells of. */
export interface RecordTableOptions {
  readonly position: FeedPosition;
  readonly retired: RetiredTable;
  readonly removals: Pick<FeedTable, 'removed'>;
}

/** The records, each at its feed position, and the counts of live ones. All that writes needs a transaction. */
export class RecordTable {
  readonly #position: FeedPosition;
  readonly #retired: RetiredTable;
  readonly #removals: Pick<FeedTable, 'removed'>;
  readonly #insert: Statement;
  readonly #find: Statement;
  readonly #replace: Statement;
  readonly #outdate: Statement;
  readonly #readmit: Statement;
  readonly #readmitAll: Statement;
  readonly #distrust: Statement;
  readonly #ofAgent: Statement;
  readonly #count: Statement;
  readonly #above: Statement;
  readonly #hasAbove: Statement;
  readonly #sweep: Statement;

  constructor(database: Database, { position, retired, removals }: RecordTableOptions) {
    this.#position = position;
    this.#retired = retired;
    this.#removals = removals;
    this.#insert = database.prepare(
      `INSERT INTO records (position, agent_id, stream_id, seq, resource, collection, id, version, created_at, updated_at,
       expires_at, deleted, hash, doc) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (collection, id, agent_id, resource) DO NOTHING`,
    );
    this.#find = database.prepare(
      `SELECT position, version, hash, expires_at AS expiresAtMs, deleted, outdated, damaged FROM records
       WHERE collection = ? AND id = ? AND agent_id = ? AND resource = ?`,
    );
    this.#replace = database.prepare(
      `UPDATE records SET position = ?, stream_id = ?, seq = ?, version = ?, created_at = ?, updated_at = ?,
       expires_at = ?, deleted = ?, hash = ?, doc = ?, outdated = 0, damaged = 0 WHERE position = ?`,
    );
    this.#outdate = database.prepare(
      `UPDATE records SET outdated = 1 WHERE collection = ? AND id = ? AND agent_id = ? AND resource = ? AND version < ?
       AND outdated = 0 RETURNING hash, expires_at AS expiresAtMs, 0 AS outdated, damaged`,
    );
    this.#readmit = database.prepare('UPDATE records SET outdated = 0 WHERE position = ?');
    this.#readmitAll = database.prepare(
      `UPDATE records SET outdated = 0 WHERE agent_id = ? AND outdated = 1
       RETURNING hash, expires_at AS expiresAtMs, 0 AS outdated, damaged`,
    );
    this.#distrust = database
      .prepare('UPDATE records SET damaged = 1 WHERE position = ? AND damaged = 0 RETURNING agent_id')
      .pluck();
    this.#ofAgent = database.prepare(
      `SELECT hash, expires_at AS expiresAtMs, outdated, damaged FROM records
       WHERE stream_id IN (SELECT id FROM streams WHERE agent_id = ?)`,
    );
    this.#count = database.prepare(
      `INSERT INTO collections (agent_id, name, records) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET records = records + excluded.records`,
    );
    this.#above = database.prepare(`SELECT ${RECORD_ROW} FROM records WHERE stream_id = ? AND seq > ? ORDER BY seq`);
    this.#hasAbove = database.prepare('SELECT 1 FROM records WHERE stream_id = ? AND seq > ? LIMIT 1');
    this.#sweep = database.prepare(
      `DELETE FROM records WHERE position IN (SELECT position FROM records WHERE expires_at <= ? LIMIT ?)
       RETURNING position, agent_id, collection, deleted`,
    );
  }

  /** Merges a change by content (protocol rule 3); `tally` collects what it does to its agent. */
  merge(owner: Owner, row: RecordRow, tally: Tally): Merged {
    const retired = this.#retired.find(owner.agentId, row);
    // Late by the fast lane, or known. What a batch brings is what the node has now, older or not: it cannot be had from here.
    if (retired !== undefined && !tally.areCurrent && row.version <= retired.version) return 'stale';
    const deleted = row.deleted ? 1 : 0;
    const { changes } = this.#insert.run(
      this.#position.next,
      owner.agentId,
      owner.streamId,
      row.seq,
      row.resource,
      row.collection,
      row.id,
      row.version,
      row.createdAtMs,
      row.updatedAtMs,
      row.expiresAtMs,
      deleted,
      row.hash,
      row.doc,
    );
    if (changes === 0) return this.#mergeInto(owner, row, tally);
    this.#position.take();
    if (retired !== undefined) this.#retired.drop(owner.agentId, row);
    tally.digest ^= digestShare(row) ^ (retired?.share ?? 0n);
    count(tally, row.collection, 1 - deleted);
    return 'applied';
  }

  #mergeInto(owner: Owner, row: RecordRow, tally: Tally): Merged {
    const stored = this.#find.get(row.collection, row.id, owner.agentId, row.resource) as Stored;
    // What a damaged record says of its version may be rot as well.
    if (stored.damaged === 0 && row.version <= stored.version) return this.#mergeOlder(stored, row, tally);
    const deleted = row.deleted ? 1 : 0;
    this.#replace.run(
      this.#position.next,
      owner.streamId,
      row.seq,
      row.version,
      row.createdAtMs,
      row.updatedAtMs,
      row.expiresAtMs,
      deleted,
      row.hash,
      row.doc,
      stored.position,
    );
    this.#position.take();
    tally.digest ^= digestShare(row) ^ shareOf(stored);
    count(tally, row.collection, stored.deleted - deleted);
    return 'applied';
  }

  #mergeOlder(stored: Stored, row: RecordRow, tally: Tally): Merged {
    const isOlder = row.version < stored.version;
    if (!isOlder && row.hash !== stored.hash) return 'contradicts';
    // A node that has an older one now has lost the one that was refused.
    if (stored.outdated === 1 && (!isOlder || tally.areCurrent)) {
      this.#readmit.run(stored.position);
      tally.digest ^= shareOf({ ...stored, outdated: 0 });
    }
    return 'stale';
  }

  /**
   * Notes that a change was refused: the older version of its record that is here, if there is one, leaves the digest
   * until a newer one is taken, or the node sends this one again, or an older one as what it has now. The node leaves out what was refused: so both count alike.
   */
  outdate({ agentId }: Owner, { collection, record, resource, version }: Refusal, tally: Tally): void {
    if (version === null) return;
    const stored = this.#outdate.get(collection, record, agentId, resource, version) as CountedColumns | undefined;
    if (stored !== undefined) tally.digest ^= shareOf(stored);
    const key = { resource: resource ?? '', collection: collection ?? '', id: record ?? '' };
    const retired = this.#retired.find(agentId, key);
    if (retired === undefined || retired.version >= version) return;
    this.#retired.drop(agentId, key);
    tally.digest ^= retired.share;
  }

  /**
   * Counts all of an agent's records that were left out for a newer version that was refused. Returns what the agent's digest is to be XORed with.
   */
  readmitAll(agentId: number): bigint {
    const readmitted = this.#readmitAll.all(agentId) as CountedColumns[];
    return readmitted.reduce((digest, row) => digest ^ shareOf(row), 0n);
  }

  /** Notes that the record at a position is damaged. Returns whose it is; undefined if there is none, or it is noted. */
  distrust(position: number): number | undefined {
    return this.#distrust.get(position) as number | undefined;
  }

  /** The digest of an agent's records, computed from them and what is remembered of removed ones. Looks at each. */
  recount(agentId: number): bigint {
    let digest = 0n;
    for (const row of this.#ofAgent.iterate(agentId) as IterableIterator<CountedColumns>) digest ^= shareOf(row);
    for (const { share } of this.#retired.ofAgent(agentId)) digest ^= share;
    return digest;
  }

  /** Writes down what merges did to an agent's counts. */
  addCounts(agentId: number, counts: ReadonlyMap<string, number>): void {
    for (const [collection, records] of counts) this.#count.run(agentId, collection, records);
  }

  /**
   * The records a stream brought, above a seq: as many as make about 4 MiB, at least one if there is any. Records of one
   * seq, which a node that was put back can leave, are not parted, as they could not be asked for one by one: unless they
   * are so many that only a node gone wrong leaves them. Comparing digests finds what is passed over then.
   */
  above(streamId: number, afterSeq: number): { readonly rows: readonly RecordRow[]; readonly more: boolean } {
    const rows: RecordRow[] = [];
    let bytes = 0;
    for (const columns of this.#above.iterate(streamId, afterSeq) as IterableIterator<RecordRowColumns>) {
      const fill = Math.max(rows.length / limits.syncBatchChanges, bytes / limits.syncBatchBytes);
      const isParting = rows.at(-1)?.seq === columns.seq;
      if (fill >= (isParting ? MOST_PAGES_OF_ONE_SEQ : 1)) return { rows, more: true };
      rows.push(rowOf(columns));
      bytes += columns.doc?.length ?? 0;
    }
    return { rows, more: false };
  }

  /** Whether a stream brought anything above a seq. */
  hasAbove(streamId: number, seq: number): boolean {
    return this.#hasAbove.get(streamId, seq) !== undefined;
  }

  /** Removes at most `limit` expired records. Returns how many. They count in no digest. */
  sweep(nowMs: number, limit: number): number {
    const removed = this.#sweep.all(nowMs, limit) as SweptColumns[];
    for (const { position, agent_id, collection, deleted } of removed) {
      this.#removals.removed(agent_id, collection, position);
      if (deleted === 0) this.#count.run(agent_id, collection, -1);
    }
    return removed.length;
  }
}

function count(tally: Tally, collection: string, records: number): void {
  tally.counts.set(collection, (tally.counts.get(collection) ?? 0) + records);
}
