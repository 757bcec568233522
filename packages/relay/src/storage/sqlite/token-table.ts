import { HoldfastError } from '@holdfast/protocol';
import type { Database, Statement } from '@holdfast/sqlite';

import type { TokenEntry } from '../relay-store.ts';

/** How long an expired join token is kept, so that using it is told from using a wrong one. */
const EXPIRED_KEPT_MS = 7 * 24 * 3600 * 1000;

/** The tokens, and the nodes that joined with them. All that writes needs a transaction. */
export class TokenTable {
  readonly #add: Statement;
  readonly #find: Statement;
  readonly #use: Statement;
  readonly #shutOut: Statement;
  readonly #hasNode: Statement;
  readonly #addNode: Statement;
  readonly #forget: Statement;

  constructor(database: Database) {
    this.#add = database.prepare(
      'INSERT INTO tokens (id, hash, role, name, created_at, expires_at, replaces) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    this.#find = database.prepare(
      `SELECT id, hash, role, name, created_at AS createdAtMs, expires_at AS expiresAtMs, replaces FROM tokens WHERE id = ?`,
    );
    this.#use = database
      .prepare(
        `UPDATE tokens SET used_at = ? WHERE id = ? AND role = 'join' AND name = ? AND used_at IS NULL AND expires_at > ?
         RETURNING replaces`,
      )
      .pluck();
    this.#shutOut = database.prepare("DELETE FROM tokens WHERE role = 'node' AND name = ?");
    this.#hasNode = database.prepare('SELECT 1 FROM nodes WHERE name = ?');
    this.#addNode = database.prepare('INSERT INTO nodes (name, joined_at) VALUES (?, ?)');
    this.#forget = database.prepare('DELETE FROM tokens WHERE expires_at < ?');
  }

  /** Throws `node-exists`, `node-not-found` for a join token that does not fit what is enrolled. */
  add(token: TokenEntry): void {
    const { id, hash, role, name, createdAtMs, expiresAtMs, replaces } = token;
    if (role === 'join') this.#assertFits(name, replaces);
    this.#add.run(id, hash, role, name, createdAtMs, expiresAtMs, replaces ? 1 : 0);
  }

  find(id: string): TokenEntry | undefined {
    const row = this.#find.get(id) as (Omit<TokenEntry, 'replaces'> & { replaces: number }) | undefined;
    return row && { ...row, replaces: row.replaces === 1 };
  }

  /** Says whether a node was replaced or made. Throws `join-token-refused`, `node-exists`, `node-not-found`. */
  join(joinTokenId: string, credential: TokenEntry): { readonly isReplaced: boolean } {
    const { name, createdAtMs } = credential;
    const replaces = this.#use.get(createdAtMs, joinTokenId, name, createdAtMs) as number | undefined;
    if (replaces === undefined) throw refused(name);
    const isReplaced = replaces === 1;
    this.#assertFits(name, isReplaced);
    if (isReplaced) this.#shutOut.run(name);
    else this.#addNode.run(name, createdAtMs);
    this.add(credential);
    return { isReplaced };
  }

  /** Removes join tokens that expired long ago. */
  forgetExpired(nowMs: number): void {
    this.#forget.run(nowMs - EXPIRED_KEPT_MS);
  }

  #assertFits(node: string, replaces: boolean): void {
    const isEnrolled = this.#hasNode.get(node) !== undefined;
    if (replaces && !isEnrolled) throw new HoldfastError('node-not-found', `no node "${node}" is enrolled here`);
    if (isEnrolled && !replaces) {
      throw new HoldfastError(
        'node-exists',
        `a node called "${node}" is enrolled here; ${WAY_BACK_IN.replace('NODE', node)}`,
      );
    }
  }
}

const WAY_BACK_IN =
  'if its machine is gone, or was cut off while it joined, make a token with `holdfast invite NODE --replaces`';

function refused(node: string): HoldfastError {
  return new HoldfastError(
    'join-token-refused',
    `the join token does not hold for node "${node}", or no longer; ${WAY_BACK_IN.replace('NODE', node)}`,
  );
}
