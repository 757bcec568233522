import { type Change, type Cursor, type Reject, type StreamPage, ZERO_VERSION } from '@holdfast/protocol';
import { digestShare, type OutboxBatch } from '@holdfast/store';

/** The id of the record that a model relay never takes. */
export const POISON = 'poison';

/** What a relay is to one stream, as plainly as the protocol says it (rules 3, 4, 5, 6, 8 and 12). */
export class RelayModel {
  cursor: Cursor = { seq: 0, version: ZERO_VERSION };
  readonly records: Map<string, Change> = new Map();

  /** Takes a batch that begins where the relay stands; undefined, and nothing done, for any other. */
  takeBatch(batch: OutboxBatch): Reject[] | undefined {
    if (batch.base.seq !== this.cursor.seq || batch.base.version !== this.cursor.version) return undefined;
    const changes = batch.lines.map((line) => JSON.parse(line) as Change);
    this.cursor = batch.upto;
    return changes.flatMap((change) => this.takeChange(change));
  }

  /** Takes one change and leaves the cursor alone. */
  takeChange(change: Change): Reject[] {
    if (change.id === POISON) return [{ seq: change.seq, code: 'unsafe-document', reason: 'it is poison' }];
    const key = JSON.stringify([change.resource, change.collection, change.id]);
    const held = this.records.get(key);
    if (held === undefined || held.version < change.version) this.records.set(key, change);
    return [];
  }

  /** The digest of its records. */
  get digest(): bigint {
    return [...this.records.values()].reduce((sum, change) => sum ^ digestShare(change), 0n);
  }

  /** What it holds above a seq. */
  page(after: number, limit: number): Omit<StreamPage, 'starts'> {
    const above = [...this.records.values()].filter(({ seq }) => seq > after);
    const sorted = above.toSorted((left, right) => left.seq - right.seq);
    return { cursor: this.cursor, changes: sorted.slice(0, limit), more: sorted.length > limit };
  }

  /** A copy that changes on its own. */
  copy(): RelayModel {
    const copy = new RelayModel();
    copy.cursor = this.cursor;
    for (const [key, change] of this.records) copy.records.set(key, change);
    return copy;
  }
}
