import { type Cursor, type FeedPage, feedEpoch, type HybridClock, type Now } from '@holdfast/protocol';
import type { Database, Statement } from '@holdfast/sqlite';

import type { GroupCommit } from '../group-commit.ts';
import { isLive, type RecordWriter } from '../record-writer.ts';
import {
  isAsWritten,
  recordHash,
  type RecordRow,
  rowOfChange,
  rowOfColumns,
  STORED_COLUMNS,
  type StoredColumns,
} from '../row.ts';
import type { StreamState } from '../stream-state.ts';
import type { FeedStanding, FeedStandingRow } from './feed-standing.ts';

/** Records settled in one transaction once all of the feed was read, so that writes are not kept waiting. */
const STEP_RECORDS = 200;

/** What became of a page. */
export interface TakenIn {
  /** Records that were newer than here, or not here. */
  readonly taken: number;
  /** Records that rotted at the relay and are sound here, or that it lost: they are sent to it. */
  readonly resent: number;
  /** Records that are there no more. */
  readonly gone: number;
}

/** What taking in the feed needs beside the file. */
export interface IntakeOptions {
  readonly stream: StreamState;
  readonly writer: RecordWriter;
  readonly row: FeedStandingRow;
  readonly commits: GroupCommit;
  readonly clock: HybridClock;
  readonly now: Now;
}

type Tally = { -readonly [Name in keyof TakenIn]: TakenIn[Name] };

/**
 * Takes the feed of what all nodes share into a file where the node's own agents write too; of one key the highest version stays
 * (protocol rule 14). What came by the feed stands at seqs below 0, counted downwards: the relay has it, so it never waits to be sent.
 */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #met: Statement;
  readonly #unmet: Statement;
  readonly #forget: Statement;
  /** Of the transaction under way. */
  #lowestSeq = 0;

  constructor(database: Database, options: IntakeOptions) {
    this.#options = options;
    this.#met = database.prepare(
      'INSERT INTO feed_met (resource, collection, id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    );
    this.#unmet = database.prepare(
      `SELECT ${STORED_COLUMNS} FROM records WHERE seq <= ? AND NOT EXISTS (
         SELECT 1 FROM feed_met WHERE resource = records.resource AND collection = records.collection AND id = records.id
       ) LIMIT ${STEP_RECORDS}`,
    );
    this.#forget = database.prepare('DELETE FROM feed_met');
  }

  /** How far the feed was taken in. */
  get standing(): FeedStanding {
    return this.#options.row.standing;
  }

  /** Takes a page that followed on the cursor. Resolves after the commit. */
  take(page: FeedPage): Promise<TakenIn> {
    return this.#write(() => this.#take(page));
  }

  /** The feed is to be read from the beginning: what does not come again by `finish` is gone then. */
  startOver(): Promise<void> {
    return this.#write(() => {
      const { cursor, cursorBefore } = this.standing;
      this.#forget.run();
      this.#save({ cursor: null, cursorBefore: cursorBefore ?? cursor, isStartingOver: true });
    });
  }

  /**
   * The next step of settling what did not come again when the feed was read from the beginning to its end; to be called until there is
   * no more, and not afterwards. `stream`: where the relay stood in the file's own stream then.
   *
   * In one life of the relay's database what did not come again was removed there, and is deleted here. A relay that was put back has
   * lost it: it is sent to it again, whoever wrote it, but what expires.
   */
  finish(stream: Cursor): Promise<TakenIn & { readonly more: boolean }> {
    return this.#write(() => this.#finish(stream));
  }

  #take({ changes, cursor }: FeedPage): TakenIn {
    const tally: Tally = { taken: 0, resent: 0, gone: 0 };
    const { standing } = this;
    for (const change of changes) {
      if (standing.isStartingOver) this.#met.run(change.resource, change.collection, change.id);
      this.#settle(rowOfChange(change), tally);
    }
    this.#save({ ...standing, cursor });
    return tally;
  }

  #settle(row: RecordRow, tally: Tally): void {
    const { writer } = this.#options;
    const stored = writer.find(row.resource, row.collection, row.id);
    if (recordHash(row) !== row.hash) {
      if (stored === undefined || stored.version < row.version || !isAsWritten(stored)) return;
      this.#send(stored, tally);
      return;
    }
    this.#observe(row.version);
    if (stored !== undefined && stored.version > row.version) {
      // The relay had what came by its feed, and has lost it.
      if (stored.seq < 0 && isAsWritten(stored)) this.#send(stored, tally);
      return;
    }
    if (stored?.hash === row.hash && isAsWritten(stored)) return;
    if (stored === undefined && !isLive({ deleted: 0, expires_at: row.expiresAtMs }, this.#options.now())) return;
    this.#place(row, stored);
    tally.taken += 1;
  }

  #finish(stream: Cursor): TakenIn & { readonly more: boolean } {
    const { standing } = this;
    const { cursor, cursorBefore } = standing;
    const tally: Tally = { taken: 0, resent: 0, gone: 0 };
    // What waits is not what the relay had at that seq: a file that was put back gives out seqs the relay knows of others.
    const hadSeq = Math.min(stream.seq, this.#options.stream.counters.acked.seq);
    const unmet = this.#unmet.all(hadSeq) as StoredColumns[];
    const isSameLife = cursor !== null && cursorBefore !== null && feedEpoch(cursor) === feedEpoch(cursorBefore);
    for (const stored of unmet) {
      this.#met.run(stored.resource, stored.collection, stored.id);
      if (isSameLife) this.#remove(stored, tally);
      else if (stored.rejected === 0 && stored.expires_at === null && isAsWritten(stored)) this.#send(stored, tally);
    }
    const more = unmet.length === STEP_RECORDS;
    if (!more) this.#forget.run();
    this.#save(more ? standing : { cursor, cursorBefore: null, isStartingOver: false });
    return { ...tally, more };
  }

  #remove(stored: StoredColumns, tally: Tally): void {
    if (stored.deleted === 1 || stored.rejected === 1) return;
    const content = { ...rowOfColumns(stored), expiresAtMs: null, deleted: true, doc: null };
    this.#place({ ...content, hash: recordHash(content) }, stored);
    tally.gone += 1;
  }

  #send(stored: StoredColumns, tally: Tally): void {
    if (stored.seq > this.#options.stream.counters.acked.seq) return;
    this.#options.writer.sendAgain(stored);
    tally.resent += 1;
  }

  #place(row: RecordRow, stored: StoredColumns | undefined): void {
    this.#lowestSeq -= 1;
    this.#options.writer.place({ ...row, seq: this.#lowestSeq }, stored);
  }

  #save(standing: Omit<FeedStanding, 'lowestSeq'>): void {
    this.#options.row.save({ ...standing, lowestSeq: this.#lowestSeq });
  }

  #observe(version: string): void {
    const { clock, stream } = this.#options;
    clock.observe(version);
    if (version > stream.counters.lastVersion) stream.set({ lastVersion: version });
  }

  #write<Result>(run: () => Result): Promise<Result> {
    const { row, commits } = this.#options;
    const begun = (): Result => {
      this.#lowestSeq = row.standing.lowestSeq;
      return run();
    };
    return commits.run({ run: begun, bytes: 0 });
  }
}
