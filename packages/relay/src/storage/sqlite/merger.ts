import type { DeclaredCollections } from '@holdfast/network';
import type { BatchHeader, Reject } from '@holdfast/protocol';

import type { IncomingChange, StreamName, Taken } from '../relay-store.ts';
import type { DeadLetterTable } from './dead-letter-table.ts';
import { SHARED_OWNER_ID } from './record-row.ts';
import type { Owner, RecordTable, Tally } from './record-table.ts';
import { contradiction } from './refusals.ts';
import type { StoredStream, StreamTable } from './stream-table.ts';

/** How changes are merged. */
interface Merging extends Pick<Tally, 'areCurrent'> {
  readonly nowMs: number;
}

/** What changes are merged into. */
export interface MergerOptions {
  readonly records: RecordTable;
  readonly streams: StreamTable;
  readonly deadLetters: DeadLetterTable;
  readonly declared: DeclaredCollections;
}

/** Takes changes of streams into the records (protocol rules 3 and 8). All that writes needs a transaction. */
export class Merger {
  readonly #records: RecordTable;
  readonly #streams: StreamTable;
  readonly #deadLetters: DeadLetterTable;
  readonly #declared: DeclaredCollections;

  constructor({ records, streams, deadLetters, declared }: MergerOptions) {
    this.#records = records;
    this.#streams = streams;
    this.#deadLetters = deadLetters;
    this.#declared = declared;
  }

  /** The stream, begun if need be. */
  begin(name: StreamName): StoredStream {
    const stream = this.#streams.begin(name);
    if (stream.isNew) this.#readmit(stream.agentId);
    return stream;
  }

  /** Another start goes on for a node: nothing of its agents is left out any more for a newer version that was refused. */
  readmitAll(node: string): void {
    for (const agentId of this.#streams.agentIdsOf(node)) this.#readmit(agentId);
  }

  /** Merges changes in their order; those that cannot be taken become dead letters. */
  merge(owner: Owner, changes: readonly IncomingChange[], { nowMs, areCurrent }: Merging): Taken {
    const tally: Tally = { areCurrent, counts: new Map(), digest: 0n };
    const rejects: Reject[] = [];
    let applied = 0;
    let stale = 0;
    for (const change of changes) {
      const merged = change.row === undefined ? 'contradicts' : this.#records.merge(owner, change.row, tally);
      if (merged === 'applied') applied += 1;
      else if (merged === 'stale') stale += 1;
      else {
        const refusal = change.refusal ?? contradiction(change);
        this.#deadLetters.keep(owner, change, refusal, nowMs);
        this.#records.outdate(owner, refusal, tally);
        rejects.push({ seq: change.seq, code: refusal.code, reason: refusal.reason });
      }
    }
    this.#records.addCounts(owner.agentId, tally.counts);
    for (const collection of tally.counts.keys()) this.#declared.noted(collection);
    this.#streams.changeDigest(owner, tally.digest);
    if (changes.length > 0) this.#streams.touch(owner, nowMs);
    return { applied, stale, rejects };
  }

  /** Whether the batch's digest speaks of the records that are here: they are its agent's own, nothing is left out, nothing is ahead. */
  isComparable({ agentId, streamId }: Owner, { digest, upto }: BatchHeader, { rejects }: Taken): boolean {
    if (digest === undefined || agentId === SHARED_OWNER_ID) return false;
    return rejects.length === 0 && !this.#records.hasAbove(streamId, upto.seq);
  }

  // Who goes on from elsewhere may know nothing of what was refused, and then not have what stands here in its place.
  #readmit(agentId: number): void {
    this.#streams.changeDigest({ agentId }, this.#records.readmitAll(agentId));
  }
}
