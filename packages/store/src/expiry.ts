import type { Database, Statement } from '@holdfast/sqlite';

import { storedShare } from './digest.ts';
import type { StoredColumns } from './row.ts';
import type { StreamState } from './stream-state.ts';

type Swept = Pick<StoredColumns, 'seq' | 'collection' | 'deleted' | 'hash' | 'expires_at' | 'rejected' | 'relay_hash'>;

/** Removes what has expired (protocol rule 16). It was invisible already; this gives the space back. */
export class ExpirySweep {
  readonly #stream: StreamState;
  readonly #records: Statement;
  readonly #keys: Statement;
  readonly #next: Statement;

  constructor(database: Database, stream: StreamState) {
    this.#stream = stream;
    this.#records = database.prepare(
      `DELETE FROM records WHERE seq IN (SELECT seq FROM records WHERE expires_at <= ? AND seq <= ? LIMIT ?)
       RETURNING seq, collection, deleted, hash, expires_at, rejected, relay_hash`,
    );
    this.#keys = database.prepare(
      `DELETE FROM idempotency WHERE (resource, key) IN
       (SELECT resource, key FROM idempotency WHERE expires_at <= ? LIMIT ?)`,
    );
    this.#next = database
      .prepare(
        `SELECT min(expires_at) FROM
         (SELECT min(expires_at) AS expires_at FROM records WHERE expires_at IS NOT NULL
          UNION ALL SELECT min(expires_at) FROM idempotency)`,
      )
      .pluck();
  }

  /** When something expires next, in milliseconds; null if nothing will. */
  nextMs(): number | null {
    return this.#next.get() as number | null;
  }

  /** See `AgentStore.sweep`. Needs a transaction. */
  sweep(limit: number, hasRelay: boolean, nowMs: number): number {
    const { acked, lastSeq } = this.#stream.counters;
    const removed = this.#records.all(nowMs, hasRelay ? acked.seq : lastSeq, limit) as Swept[];
    for (const record of removed) {
      const { seq, collection, deleted } = record;
      this.#stream.xorDigest(storedShare(record));
      if (seq > acked.seq) this.#stream.set({ outbox: this.#stream.counters.outbox - 1 });
      if (deleted === 0) this.#stream.count(collection, -1);
    }
    this.#keys.run(nowMs, limit);
    return removed.length;
  }
}
