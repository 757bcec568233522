import type { RetentionPolicy } from '@holdfast/protocol';
import type { Database, Statement } from '@holdfast/sqlite';

import type { Declarations } from '../declared/declarations.ts';
import { storedShare } from '../digest.ts';
import type { GroupCommit } from '../group-commit.ts';
import type { StoredColumns } from '../row.ts';
import type { StreamState } from '../stream-state.ts';
import { FreePages } from './free-pages.ts';
import { RetentionPass, type WeighedRecord } from './retention-pass.ts';
import type { RetiredRecords } from './retired-records.ts';

/** Records looked at in one transaction, so that requests are not kept waiting. */
const STEP_RECORDS = 200;

/** A pass over an agent's file, from one step to the next. */
export interface AgentPass {
  readonly pass: RetentionPass;
  /** What was written after the pass began is not looked at. */
  readonly endSeq: number;
  readonly isDryRun: boolean;
  /** Whether the node has a relay, which must have acknowledged what goes. */
  readonly hasRelay: boolean;
}

type WeighedColumns = WeighedRecord &
  Pick<StoredColumns, 'seq' | 'resource' | 'collection' | 'id' | 'version' | 'deleted' | 'hash' | 'expires_at'>;

/** What an agent's file needs to remove records. */
export interface AgentRetentionOptions {
  readonly database: Database;
  readonly stream: StreamState;
  readonly declarations: Declarations;
  readonly retired: RetiredRecords;
  readonly commits: GroupCommit;
  /** Ends what the connection reads. */
  readonly endReading: () => void;
}

/** Removes from an agent's file what its collections declare to be kept no longer (protocol rule 17). */
export class AgentRetention {
  readonly #options: AgentRetentionOptions;
  readonly #weighed: Statement;
  readonly #said: Statement;
  readonly #remove: Statement;
  readonly #live: Statement;
  /** Gives the space of what was removed back to the file system. */
  readonly freePages: FreePages;
  #removals = 0;

  constructor(options: AgentRetentionOptions) {
    this.#options = options;
    const { database, commits, endReading } = options;
    this.freePages = new FreePages(database, (run) => commits.run({ run, bytes: 0 }), endReading);
    this.#weighed = database.prepare(
      `SELECT seq, resource, collection, id, version, updated_at, expires_at, deleted, hash, octet_length(doc) AS bytes
       FROM records WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ${STEP_RECORDS}`,
    );
    this.#said = database.prepare('SELECT rejected, relay_hash FROM records WHERE seq = ?');
    this.#remove = database.prepare('DELETE FROM records WHERE seq = ?');
    this.#live = database.prepare('SELECT name, records FROM collections');
  }

  /** How many steps removed something: who compares sees by it whether records went meanwhile. */
  get removals(): number {
    return this.#removals;
  }

  /** What the node keeps for how long, by collection. */
  policies(): Map<string, RetentionPolicy> {
    const declared = this.#options.declarations.own.flatMap(({ name, retention }) =>
      retention?.node === undefined ? [] : [[name, retention.node] as const],
    );
    return new Map(declared);
  }

  /** Begins a pass over all that is there now. */
  begin(nowMs: number, how: Pick<AgentPass, 'isDryRun' | 'hasRelay'>): AgentPass {
    const counted = this.#live.all() as { readonly name: string; readonly records: number }[];
    const live = new Map(counted.map(({ name, records }) => [name, records]));
    const pass = new RetentionPass(this.policies(), live, nowMs);
    return { pass, endSeq: this.#options.stream.counters.lastSeq, ...how };
  }

  /** The next step of a pass, after a seq; gives where it came to. Undefined: that was all. */
  step(pass: AgentPass, afterSeq: number): Promise<number | undefined> {
    return this.#options.commits.run({ run: () => this.#step(pass, afterSeq), bytes: 0 });
  }

  #step(pass: AgentPass, afterSeq: number): number | undefined {
    const rows = this.#weighed.all(afterSeq, pass.endSeq) as WeighedColumns[];
    let removed = 0;
    for (const row of rows) {
      if (!pass.pass.isOver(row)) continue;
      const mayGo = !pass.hasRelay || this.#isHeldByRelay(row.seq);
      pass.pass.note(row, mayGo);
      if (!mayGo || pass.isDryRun) continue;
      this.#retire(row, pass.hasRelay);
      removed += 1;
    }
    if (removed > 0) this.#removals += 1;
    return rows.at(-1)?.seq;
  }

  #isHeldByRelay(seq: number): boolean {
    return seq <= this.#options.stream.counters.acked.seq && this.#saidOf(seq).rejected === 0;
  }

  #saidOf(seq: number): Pick<StoredColumns, 'rejected' | 'relay_hash'> {
    return this.#said.get(seq) as Pick<StoredColumns, 'rejected' | 'relay_hash'>;
  }

  #retire(row: WeighedColumns, hasRelay: boolean): void {
    const { stream, retired } = this.#options;
    const { seq, collection, deleted } = row;
    // Without a relay nobody compares: it counts no more, as if it had never been.
    if (hasRelay) retired.add({ ...row, expiresAtMs: row.expires_at }, seq);
    else stream.xorDigest(storedShare({ ...row, ...this.#saidOf(seq) }));
    this.#remove.run(seq);
    const { acked, outbox } = stream.counters;
    if (seq > acked.seq) stream.set({ outbox: outbox - 1 });
    if (deleted === 0) stream.count(collection, -1);
  }
}
