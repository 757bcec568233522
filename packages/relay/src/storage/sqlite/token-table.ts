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
  readonly #hasNode: Statement;
  readonly #addNode: Statement;
  readonly #forget: Statement;

  constructor(database: Database) {
    this.#add = database.prepare(
      'INSERT INTO tokens (id, hash, role, name, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#find = database.prepare(
      `SELECT id, hash, role, name, created_at AS createdAtMs, expires_at AS expiresAtMs FROM tokens WHERE id = ?`,
    );
    this.#use = database.prepare(
      `UPDATE tokens SET used_at = ? WHERE id = ? AND role = 'join' AND name = ? AND used_at IS NULL
       AND expires_at > ?`,
    );
    this.#hasNode = database.prepare('SELECT 1 FROM nodes WHERE name = ?');
    this.#addNode = database.prepare('INSERT INTO nodes (name, joined_at) VALUES (?, ?)');
    this.#forget = database.prepare('DELETE FROM tokens WHERE expires_at < ?');
  }

  /** Throws `node-exists` for a join token of an enrolled node. */
  add(token: TokenEntry): void {
    if (token.role === 'join') this.#assertFree(token.name);
    this.#add.run(token.id, token.hash, token.role, token.name, token.createdAtMs, token.expiresAtMs);
  }

  find(id: string): TokenEntry | undefined {
    return this.#find.get(id) as TokenEntry | undefined;
  }

  /** Throws `join-token-refused`, `node-exists`. */
  join(joinTokenId: string, credential: TokenEntry): void {
    const { name, createdAtMs } = credential;
    if (this.#use.run(createdAtMs, joinTokenId, name, createdAtMs).changes === 0) {
      throw new HoldfastError('join-token-refused', `the join token does not hold for node "${name}", or no longer`);
    }
    this.#assertFree(name);
    this.#addNode.run(name, createdAtMs);
    this.add(credential);
  }

  /** Removes join tokens that expired long ago. */
  forgetExpired(nowMs: number): void {
    this.#forget.run(nowMs - EXPIRED_KEPT_MS);
  }

  #assertFree(node: string): void {
    if (this.#hasNode.get(node) === undefined) return;
    throw new HoldfastError('node-exists', `a node called "${node}" is enrolled here`);
  }
}
