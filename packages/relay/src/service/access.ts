import { makeToken, parseToken, tokenMatches } from '@holdfast/http';
import { HoldfastError, type JoinAnswer, type Now } from '@holdfast/protocol';
import { toTimestamp } from '@holdfast/store';

import type { RelayStore, TokenEntry } from '../storage/relay-store.ts';

/** Who calls the relay. */
export interface RelayCaller {
  readonly role: TokenEntry['role'];
  readonly tokenId: string;
  /** Whose token it is: for the roles `join` and `node`, the node's name. */
  readonly name: string;
}

/** A token and the entry to keep of it. */
export interface IssuedToken {
  /** The secret text, shown this once. */
  readonly token: string;
  readonly entry: TokenEntry;
}

/** What a token is made for. */
export interface TokenPurpose extends Pick<TokenEntry, 'role' | 'name' | 'createdAtMs' | 'expiresAtMs'> {
  /** Default: false. */
  readonly replaces?: boolean;
}

/** Makes a token; only the entry is to be kept. */
export function issueToken(purpose: TokenPurpose): IssuedToken {
  const { token, id, hash } = makeToken();
  return { token, entry: { id, hash, replaces: false, ...purpose } };
}

/** What access control needs. */
export interface AccessOptions {
  readonly store: RelayStore;
  /** Life of a join token, unless its maker says otherwise. */
  readonly joinSeconds: number;
  readonly now: Now;
}

/** What an invitation is for. */
export interface InvitationRequest {
  readonly node: string;
  /** Seconds it holds; default as configured. */
  readonly ttl?: number | undefined;
  /** Whether the node is enrolled and a new machine takes its place; default: false. */
  readonly replaces?: boolean | undefined;
}

/** Who may call: tokens and how nodes come by theirs. */
export class Access {
  readonly #options: AccessOptions;

  constructor(options: AccessOptions) {
    this.#options = options;
  }

  /**
   * Says who a token's text belongs to; undefined for an unknown one. A used or expired join token still says who it was:
   * `join` refuses it with a better reason.
   */
  async identify(text: string): Promise<RelayCaller | undefined> {
    const parsed = parseToken(text);
    if (parsed === undefined) return undefined;
    const entry = await this.#options.store.findToken(parsed.id);
    if (!tokenMatches(parsed.secret, entry?.hash) || entry === undefined) return undefined;
    return { role: entry.role, tokenId: entry.id, name: entry.name };
  }

  /** Makes a token for a person or tool. */
  async createToken(role: 'viewer' | 'operator' | 'admin', name: string): Promise<{ token: string; id: string }> {
    const { store, now } = this.#options;
    const { token, entry } = issueToken({ role, name, createdAtMs: now(), expiresAtMs: null });
    await store.addToken(entry);
    return { token, id: entry.id };
  }

  /** Makes a join token for one node name. Throws `node-exists`, or `node-not-found` if it is to replace the node. */
  async invite(request: InvitationRequest): Promise<{ token: string; node: string; expires_at: string }> {
    const { store, joinSeconds, now } = this.#options;
    const { node, ttl = joinSeconds, replaces = false } = request;
    const createdAtMs = now();
    const expiresAtMs = createdAtMs + ttl * 1000;
    const { token, entry } = issueToken({ role: 'join', name: node, createdAtMs, expiresAtMs, replaces });
    await store.addToken(entry);
    return { token, node, expires_at: toTimestamp(expiresAtMs) };
  }

  /** Enrols a node with the caller's join token. Throws `join-token-refused`, `node-exists`, `node-not-found`. */
  async join(caller: RelayCaller, node: string): Promise<JoinAnswer> {
    const { store, now } = this.#options;
    if (caller.role !== 'join') throw new HoldfastError('join-token-refused', 'the token is no join token');
    const { token, entry } = issueToken({ role: 'node', name: node, createdAtMs: now(), expiresAtMs: null });
    await store.join(caller.tokenId, entry);
    return { node, credential: token, epoch: store.epoch };
  }
}
