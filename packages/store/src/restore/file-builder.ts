import { type Cursor, type HybridClock, type Now, ZERO_VERSION } from '@holdfast/protocol';
import { type Database, openMigrated } from '@holdfast/sqlite';

import { Declarations } from '../declared/declarations.ts';
import { DerivedRange } from '../declared/derived-range.ts';
import { AGENT_LAYOUT, DerivedUpkeep } from '../declared/upkeep.ts';
import { bucketOf, digestOf, digestShare } from '../digest.ts';
import { agentMigrations } from '../migrations/index.ts';
import { RecordWriter } from '../record-writer.ts';
import { RetiredRecords } from '../retention/retired-records.ts';
import { type RecordRow, recordHash } from '../row.ts';
import { StreamState } from '../stream-state.ts';
import { WrittenCollections } from '../written-collections.ts';

/** What became of records handed to a builder. */
export interface TakenRows {
  /** New here, or newer than what was. */
  readonly taken: number;
  /** Whose content does not give its hash: not taken. */
  readonly wrong: readonly RecordRow[];
}

/**
 * Builds an agent's file anew, out of records from elsewhere: a stream with an incarnation of its own. Nobody else uses
 * the file meanwhile. What it holds when it is closed is on the disk, in one file without a log.
 */
export class FileBuilder {
  readonly #database: Database;
  readonly #stream: StreamState;
  readonly #writer: RecordWriter;
  readonly #declarations: Declarations;
  readonly #retired: RetiredRecords;
  #lastTaken = ZERO_VERSION;

  /** Makes the file, or goes on with it. Throws what `openMigrated` throws. */
  constructor(path: string, clock: HybridClock, now: Now) {
    this.#database = openMigrated(path, agentMigrations);
    this.#stream = new StreamState(this.#database);
    const declarations = new Declarations(
      this.#database,
      new DerivedUpkeep(this.#database, AGENT_LAYOUT, new DerivedRange(this.#database)),
    );
    this.#declarations = declarations;
    this.#retired = new RetiredRecords(this.#database, this.#stream);
    const [stream, retired] = [this.#stream, this.#retired];
    const written = new WrittenCollections();
    this.#writer = new RecordWriter(this.#database, { stream, declarations, retired, written, clock, now });
  }

  /** The new stream's name. */
  get incarnation(): string {
    return this.#stream.incarnation;
  }

  /** Position and version of the record taken last; seq 0: none was. */
  get end(): Cursor {
    const { lastSeq } = this.#stream.counters;
    return { seq: lastSeq, version: this.#lastTaken };
  }

  /**
   * Takes records that are new here or newer than what is here, in one transaction; each gets the next seq and keeps its
   * version. The same record may come again, in any version.
   */
  take(rows: readonly RecordRow[]): TakenRows {
    const wrong: RecordRow[] = [];
    let taken = 0;
    const takeAll = this.#database.transaction(() => {
      for (const row of rows) {
        if (recordHash(row) !== row.hash) wrong.push(row);
        else if (this.#takeOne(row)) taken += 1;
      }
      this.#declarations.upkeep.catchUp();
      this.#stream.write();
    });
    takeAll.immediate();
    return { taken, wrong };
  }

  /** The version of a record here; undefined if it is not. */
  versionOf({ resource, collection, id }: Pick<RecordRow, 'resource' | 'collection' | 'id'>): string | undefined {
    return this.#writer.find(resource, collection, id)?.version;
  }

  /** The relay holds the stream up to `cursor`: what is here up to there does not wait. */
  acknowledge(cursor: Cursor): void {
    const countAbove = this.#database.prepare('SELECT count(*) FROM records WHERE seq > ?').pluck();
    this.#database
      .transaction(() => {
        this.#stream.set({ acked: cursor, outbox: countAbove.get(cursor.seq) as number });
        this.#stream.write();
      })
      .immediate();
  }

  /**
   * The relay counts, by bucket, what it gave and what its retention removed: that it counts more than what is here is no
   * difference from now on.
   */
  countAsRelay(buckets: readonly string[]): void {
    const records = this.#database.prepare(
      'SELECT resource, collection, id, hash, expires_at AS expiresAtMs FROM records',
    );
    const unknown = buckets.map(digestOf);
    for (const row of records.iterate() as Iterable<RecordRow>) {
      const bucket = bucketOf(row);
      unknown[bucket] = (unknown[bucket] ?? 0n) ^ digestShare(row);
    }
    this.#database
      .transaction(() => {
        for (const [bucket, share] of unknown.entries()) if (share !== 0n) this.#retired.countUnknown(bucket, share);
        this.#stream.write();
      })
      .immediate();
  }

  /** Writes all to the one file and closes it. */
  close(): void {
    this.#database.close();
  }

  #takeOne(row: RecordRow): boolean {
    const stored = this.#writer.find(row.resource, row.collection, row.id);
    if (stored !== undefined && stored.version >= row.version) return false;
    this.#writer.place({ ...row, seq: this.#stream.nextSeq() }, stored);
    this.#lastTaken = row.version;
    if (row.version > this.#stream.counters.lastVersion) this.#stream.set({ lastVersion: row.version });
    return true;
  }
}
