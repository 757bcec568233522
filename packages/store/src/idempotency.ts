import { HoldfastError, limits, type Now } from '@holdfast/protocol';
import type { Database, Statement } from '@holdfast/sqlite';

import type { Idempotency } from './operation.ts';
import { assertSealed, sealed, sealedColumns } from './seal.ts';

/** A request that may be remembered: whose, and by which key. */
interface Request {
  readonly resource: string;
  readonly idempotency?: Idempotency | undefined;
}

interface Remembered {
  readonly fingerprint: string;
  readonly answer: string;
  readonly expires_at: number;
}

const COLUMNS = sealedColumns('idempotency');

/**
 * Remembers requests by their Idempotency-Key, in the same transaction as their effect, for
 * `limits.idempotencySeconds`. After draft-ietf-httpapi-idempotency-key-header-07.
 */
export class IdempotencyKeys {
  readonly #now: Now;
  readonly #find: Statement;
  readonly #remember: Statement;

  constructor(database: Database, now: Now) {
    this.#now = now;
    this.#find = database.prepare(
      `SELECT ${COLUMNS} FROM idempotency WHERE resource = ? AND key = ? AND expires_at > ?`,
    );
    this.#remember = database.prepare(`INSERT OR REPLACE INTO idempotency (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)`);
  }

  /**
   * Runs `effect`, or gives the answer it had before, as JSON holds it. One that changed nothing, as `hasChanged` tells then, is not
   * remembered. Throws `idempotency-mismatch`, and `file-damaged` when what was
   * remembered is not what was written. Needs a transaction.
   */
  once<Result>(
    { resource, idempotency }: Request,
    effect: () => Result,
    hasChanged: () => boolean = () => true,
  ): Result {
    if (idempotency === undefined) return effect();
    const nowMs = this.#now();
    const before = this.#find.get(resource, idempotency.key, nowMs) as Remembered | undefined;
    if (before === undefined) {
      const result = effect();
      if (!hasChanged()) return result;
      const expiresAtMs = nowMs + limits.idempotencySeconds * 1000;
      const { key, fingerprint } = idempotency;
      this.#remember.run(...sealed([resource, key, fingerprint, JSON.stringify(result), expiresAtMs]));
      return result;
    }
    assertSealed('idempotency', before);
    if (before.fingerprint !== idempotency.fingerprint) {
      throw new HoldfastError('idempotency-mismatch', 'the key was used for another request');
    }
    return JSON.parse(before.answer) as Result;
  }
}
