import { type FenceProof, fenceProofText, HoldfastError, limits, type LockScope } from '@holdfast/protocol';
import type { Database, Statement } from '@holdfast/sqlite';

import { assertSealed, sealed, sealedColumns } from './seal.ts';

const COLUMNS = sealedColumns('fences');
/** So many are forgotten together. */
const FORGOTTEN_AT_ONCE = Math.ceil(limits.seenFences / 10);

/**
 * The highest fence that writes to this file came with, for each lock: one that comes with a lower one is of a lease that ended.
 *
 * A file remembers `limits.seenFences` of each scope; beyond it the lowest are forgotten. Locks of one scope get their fences from
 * one counter, so for all that were forgotten the highest forgotten fence stands in, in a row without a name: what comes with a lower
 * one is refused too.
 */
export class SeenFences {
  readonly #find: Statement;
  readonly #note: Statement;
  readonly #count: Statement;
  readonly #lowest: Statement;
  readonly #forget: Statement;
  /** How many there are of a scope, or fewer: what was undone is counted until all are counted anew. */
  readonly #atMost = new Map<LockScope, number>();

  constructor(database: Database) {
    this.#find = database.prepare(`SELECT ${COLUMNS} FROM fences WHERE scope = ? AND resource = ? AND lock = ?`);
    this.#note = database.prepare(`INSERT OR REPLACE INTO fences (${COLUMNS}) VALUES (?, ?, ?, ?, ?)`);
    const named = "FROM fences WHERE scope = ? AND lock <> ''";
    this.#count = database.prepare(`SELECT count(*) ${named}`).pluck();
    this.#lowest = database.prepare(`SELECT fence ${named} ORDER BY fence LIMIT 1 OFFSET ?`).pluck();
    this.#forget = database.prepare(`DELETE ${named} AND fence <= ?`);
  }

  /** Notes the fences a write comes with. Throws `fence-stale` when a higher one was seen. Needs a transaction. */
  assertFresh(resource: string, proofs: readonly FenceProof[]): void {
    for (const proof of proofs) {
      const { scope, lock, fence } = proof;
      const seen = this.#seen(scope, resource, lock);
      const least = seen ?? this.#seen(scope, '', '') ?? 0;
      if (fence < least) throw stale(proof, least);
      if (fence === seen) continue;
      if (seen === undefined) this.#makeRoom(scope);
      this.#note.run(...sealed([scope, resource, lock, fence]));
    }
  }

  #seen(scope: LockScope, resource: string, lock: string): number | undefined {
    const row = this.#find.get(scope, resource, lock) as { readonly fence: number } | undefined;
    if (row !== undefined) assertSealed('fences', row);
    return row?.fence;
  }

  #makeRoom(scope: LockScope): void {
    const most = this.#atMost.get(scope) ?? this.#counted(scope);
    this.#atMost.set(scope, most + 1);
    if (most < limits.seenFences) return;
    this.#atMost.delete(scope);
    if (this.#counted(scope) < limits.seenFences) return;
    const highest = this.#lowest.get(scope, FORGOTTEN_AT_ONCE - 1) as number;
    this.#forget.run(scope, highest);
    this.#note.run(...sealed([scope, '', '', highest]));
  }

  #counted(scope: LockScope): number {
    return this.#count.get(scope) as number;
  }
}

function stale(proof: FenceProof, seen: number): HoldfastError {
  const { scope, lock } = proof;
  const detail = `the lease of ${fenceProofText(proof)} ended: fence ${seen} was seen since`;
  return new HoldfastError('fence-stale', detail, { extensions: { scope, lock, fence: seen } });
}
