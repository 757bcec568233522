import { limits } from '@holdfast/protocol';
import type { Database, Statement } from '@holdfast/sqlite';
import type { RecordRow } from '@holdfast/store';

import type { FeedPosition } from './feed-position.ts';

/** Whose record it is, and which stream brings it. */
export interface Owner {
  readonly agentId: number;
  readonly streamId: number;
}

/** What became of a change. `contradicts`: the same version is here with other content, which no merge can settle. */
export type Merged = 'applied' | 'stale' | 'contradicts';

interface Stored {
  readonly position: number;
  readonly version: string;
  readonly hash: string;
  readonly deleted: number;
}

/** The records, each at its feed position, and the counts of live ones. All that writes needs a transaction. */
export class RecordTable {
  readonly #feed: FeedPosition;
  readonly #insert: Statement;
  readonly #find: Statement;
  readonly #replace: Statement;
  readonly #count: Statement;
  readonly #above: Statement;
  readonly #sweep: Statement;

  constructor(database: Database, feed: FeedPosition) {
    this.#feed = feed;
    this.#insert = database.prepare(
      `INSERT INTO records (position, agent_id, stream_id, seq, resource, collection, id, version, created_at, updated_at,
       expires_at, deleted, hash, doc) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (collection, id, agent_id, resource) DO NOTHING`,
    );
    this.#find = database.prepare(
      `SELECT position, version, hash, deleted FROM records
       WHERE collection = ? AND id = ? AND agent_id = ? AND resource = ?`,
    );
    this.#replace = database.prepare(
      `UPDATE records SET position = ?, stream_id = ?, seq = ?, version = ?, created_at = ?, updated_at = ?,
       expires_at = ?, deleted = ?, hash = ?, doc = ? WHERE position = ?`,
    );
    this.#count = database.prepare(
      `INSERT INTO collections (agent_id, name, records) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET records = records + excluded.records`,
    );
    this.#above = database.prepare(
      `SELECT seq, resource, collection, id, version, created_at AS createdAtMs, updated_at AS updatedAtMs,
       expires_at AS expiresAtMs, deleted, hash, doc FROM records WHERE stream_id = ? AND seq > ? ORDER BY seq LIMIT ?`,
    );
    this.#sweep = database.prepare(
      `DELETE FROM records WHERE position IN (SELECT position FROM records WHERE expires_at <= ? LIMIT ?)
       RETURNING agent_id, collection, deleted`,
    );
  }

  /** Merges a change by content (protocol rule 3); `counts` collects what it does to the live records by collection. */
  merge(owner: Owner, row: RecordRow, counts: Map<string, number>): Merged {
    const deleted = row.deleted ? 1 : 0;
    const { changes } = this.#insert.run(
      this.#feed.next,
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
    if (changes === 0) return this.#mergeInto(owner, row, counts);
    this.#feed.take();
    counts.set(row.collection, (counts.get(row.collection) ?? 0) + 1 - deleted);
    return 'applied';
  }

  #mergeInto(owner: Owner, row: RecordRow, counts: Map<string, number>): Merged {
    const stored = this.#find.get(row.collection, row.id, owner.agentId, row.resource) as Stored;
    if (row.version < stored.version) return 'stale';
    if (row.version === stored.version) return row.hash === stored.hash ? 'stale' : 'contradicts';
    const deleted = row.deleted ? 1 : 0;
    this.#replace.run(
      this.#feed.next,
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
    this.#feed.take();
    counts.set(row.collection, (counts.get(row.collection) ?? 0) + stored.deleted - deleted);
    return 'applied';
  }

  /** Writes down what merges did to an agent's counts. */
  addCounts(agentId: number, counts: ReadonlyMap<string, number>): void {
    for (const [collection, records] of counts) this.#count.run(agentId, collection, records);
  }

  /** The records a stream brought, above a seq: as many as make about 4 MiB, at least one if there is any. */
  above(streamId: number, afterSeq: number): { readonly rows: readonly RecordRow[]; readonly more: boolean } {
    const rows: RecordRow[] = [];
    let bytes = 0;
    for (const row of this.#above.iterate(streamId, afterSeq, limits.syncBatchChanges + 1) as IterableIterator<
      Omit<RecordRow, 'deleted'> & { deleted: number }
    >) {
      if (rows.length === limits.syncBatchChanges || bytes > limits.syncBatchBytes) return { rows, more: true };
      rows.push({ ...row, deleted: row.deleted === 1 });
      bytes += row.doc?.length ?? 0;
    }
    return { rows, more: false };
  }

  /** Removes at most `limit` expired records. Returns how many. */
  sweep(nowMs: number, limit: number): number {
    const removed = this.#sweep.all(nowMs, limit) as { agent_id: number; collection: string; deleted: number }[];
    for (const { agent_id, collection, deleted } of removed)
      if (deleted === 0) this.#count.run(agent_id, collection, -1);
    return removed.length;
  }
}
