import type { Database, Statement } from '@holdfast/sqlite';
import { bucketOf, digestOf, digestShare, digestText, isDigest, type RecordRow, retiredKey } from '@holdfast/store';

/** What names a record of an agent. */
type Key = Pick<RecordRow, 'resource' | 'collection' | 'id'>;

/** What is remembered of a record that was removed. */
export interface Retired {
  readonly version: string;
  /** What it adds to its agent's digest. */
  readonly share: bigint;
}

interface RetiredColumns {
  readonly bucket: number;
  readonly version: string;
  readonly share: string;
}

/**
 * What is remembered of records that retention removed (protocol rule 17): they count in their agents' digests as if they were
 * there, until they are taken once more. All that writes needs a transaction.
 */
export class RetiredTable {
  readonly #find: Statement;
  readonly #add: Statement;
  readonly #drop: Statement;
  readonly #ofAgent: Statement;
  readonly #additions = new Map<number, number>();
  #mayHaveAny: boolean;

  constructor(database: Database) {
    this.#find = database.prepare('SELECT bucket, version, share FROM retired WHERE agent_id = ? AND key = ?');
    this.#add = database.prepare(
      'INSERT OR REPLACE INTO retired (agent_id, key, bucket, version, share) VALUES (?, ?, ?, ?, ?)',
    );
    this.#drop = database.prepare('DELETE FROM retired WHERE agent_id = ? AND key = ?');
    this.#ofAgent = database.prepare('SELECT bucket, version, share FROM retired WHERE agent_id = ?');
    this.#mayHaveAny = database.prepare('SELECT 1 FROM retired LIMIT 1').get() !== undefined;
  }

  /** What is remembered of a record; undefined: nothing. */
  find(agentId: number, record: Key): Retired | undefined {
    if (!this.#mayHaveAny) return undefined;
    const row = this.#find.get(agentId, retiredKey(record)) as RetiredColumns | undefined;
    return row && { version: row.version, share: shareOf(row) };
  }

  /** Remembers a record that is removed. */
  add(agentId: number, record: Key & Pick<RecordRow, 'version' | 'hash' | 'expiresAtMs'>): void {
    this.#mayHaveAny = true;
    const share = digestText(digestShare(record));
    this.#add.run(agentId, retiredKey(record), bucketOf(record), record.version, share);
    this.#additions.set(agentId, this.additions(agentId) + 1);
  }

  /** Forgets a record: it is here again. */
  drop(agentId: number, record: Key): void {
    this.#drop.run(agentId, retiredKey(record));
  }

  /** How many of an agent's were removed in this process: who walks over all its records sees by it whether some went. */
  additions(agentId: number): number {
    return this.#additions.get(agentId) ?? 0;
  }

  /** What an agent's removed records add to its digest, by bucket, as many as there are. */
  *ofAgent(agentId: number): Generator<{ readonly bucket: number; readonly share: bigint }> {
    if (!this.#mayHaveAny) return;
    for (const row of this.#ofAgent.iterate(agentId) as IterableIterator<RetiredColumns>) {
      yield { bucket: row.bucket, share: shareOf(row) };
    }
  }
}

// What rotted to no digest at all must not keep anybody from comparing: it differs then, and that is found.
function shareOf({ share }: RetiredColumns): bigint {
  return isDigest(share) ? digestOf(share) : 0n;
}
