import { HoldfastError, type Now, SHARED_AGENT } from '@holdfast/protocol';
import { makeToken, parseToken, tokenMatches } from '@holdfast/http';

import type { AgentEntry, NodeDatabase, TokenEntry } from '../storage/node-database.ts';

/** So many tokens are remembered by their text. */
const FOUND_TOKENS = 1000;

/** Who a request comes from, as its token says. */
export interface Caller {
  readonly role: 'agent' | 'admin';
  /** The agent an agent's token speaks for. Null for an admin's: the request names the agent. */
  readonly agent: string | null;
  /** The one resource the token is bound to; null: any. */
  readonly resource: string | null;
}

/** A token just made. Its text exists nowhere else. */
export interface IssuedToken {
  readonly id: string;
  readonly text: string;
  readonly agent: string;
  readonly resource: string | null;
}

/** An agent and its tokens, without their secrets. */
export interface AgentListing extends AgentEntry {
  readonly tokens: readonly Omit<TokenEntry, 'hash'>[];
}

/** The node's agents and the tokens that speak for them. Both are few and kept in memory beside the database. */
export class Agents {
  readonly #database: NodeDatabase;
  readonly #now: Now;
  readonly #agents: Map<string, AgentEntry>;
  readonly #tokens: Map<string, TokenEntry>;
  /** Tokens that were found right, by their text: to hash one with every request would cost more than most reads. */
  readonly #found = new Map<string, TokenEntry>();
  #onAdded: () => void = () => undefined;

  constructor(database: NodeDatabase, now: Now) {
    this.#database = database;
    this.#now = now;
    this.#agents = new Map(database.agents().map((agent) => [agent.name, agent]));
    this.#tokens = new Map(database.tokens().map((token) => [token.id, token]));
  }

  /** Calls back, from now on, after each agent that was added; must not throw. */
  onAdded(callback: () => void): void {
    this.#onAdded = callback;
  }

  /** Names of all agents, in order. */
  get names(): readonly string[] {
    return [...this.#agents.keys()].toSorted();
  }

  /** Finds who a token speaks for; undefined for one that is not ours. Takes as long for an unknown id as for a wrong secret. */
  authenticate(text: string): Caller | undefined {
    const found = this.#found.get(text);
    if (found !== undefined) return found;
    const parsed = parseToken(text);
    const token = parsed && this.#tokens.get(parsed.id);
    const matches = tokenMatches(parsed?.secret ?? '', token?.hash);
    if (!matches || token === undefined) return undefined;
    if (this.#found.size >= FOUND_TOKENS) this.#found.clear();
    this.#found.set(text, token);
    return token;
  }

  /** Throws `agent-not-found`. */
  assertExists(name: string): void {
    if (!this.#agents.has(name)) throw new HoldfastError('agent-not-found', `there is no agent "${name}"`);
  }

  /** Whether there is an agent of that name. */
  has(name: string): boolean {
    return this.#agents.has(name);
  }

  /** Makes an agent that nobody has a token for, unless it is there. */
  addWithoutToken(name: string): void {
    if (this.#agents.has(name)) return;
    const agent: AgentEntry = { name, createdAtMs: this.#now() };
    this.#database.addAgent(agent);
    this.#agents.set(name, agent);
  }

  /** Makes an agent and its first token. Throws `agent-exists`, and `invalid-request` for the name that no agent may have. */
  create(name: string): IssuedToken {
    assertOwnName(name);
    if (this.#agents.has(name)) throw new HoldfastError('agent-exists', `there is an agent "${name}"`);
    const agent: AgentEntry = { name, createdAtMs: this.#now() };
    const issued = this.#issue({ role: 'agent', agent: name, resource: null }, agent);
    this.#agents.set(name, agent);
    this.#onAdded();
    return { ...issued, agent: name, resource: null };
  }

  /** Adds agents that were taken over from another machine; they have no tokens yet. `restoring`: see `FileMark`. */
  adopt(names: readonly string[], createdAtMs: number, restoring: string): void {
    const adopted = names.map((name) => ({ name, createdAtMs }));
    this.#database.adopt(adopted, restoring);
    for (const agent of adopted) this.#agents.set(agent.name, agent);
    this.#onAdded();
  }

  /** Makes a further token for an agent. Throws `agent-not-found`. */
  addToken(name: string, resource: string | null): IssuedToken {
    assertOwnName(name);
    this.assertExists(name);
    const issued = this.#issue({ role: 'agent', agent: name, resource });
    return { ...issued, agent: name, resource };
  }

  /**
   * Makes a token for the node's administrator. `keep` gets its text before it is stored: a token that counts and that
   * nobody has could never be told from one that somebody has.
   */
  addAdminToken(keep: (text: string) => void): void {
    const { token, ...rest } = makeToken();
    keep(token);
    this.#add({ ...rest, role: 'admin', agent: null, resource: null, createdAtMs: this.#now() });
  }

  /** Takes a token's right away, at once. One that is not there is gone already. Throws `agent-not-found`. */
  revoke(name: string, id: string): void {
    this.assertExists(name);
    if (this.#tokens.get(id)?.agent !== name) return;
    this.#database.removeToken(id);
    this.#tokens.delete(id);
    this.#found.clear();
  }

  /** Every agent with its tokens. */
  list(): AgentListing[] {
    const tokens = [...this.#tokens.values()];
    return this.names.map((name) => ({
      ...(this.#agents.get(name) as AgentEntry),
      tokens: tokens.filter((token) => token.agent === name).map(({ hash: _hash, ...shown }) => shown),
    }));
  }

  #issue(caller: Caller, newAgent?: AgentEntry): { id: string; text: string } {
    const { token, id, hash } = makeToken();
    this.#add({ ...caller, id, hash, createdAtMs: this.#now() }, newAgent);
    return { id, text: token };
  }

  #add(entry: TokenEntry, newAgent?: AgentEntry): void {
    this.#database.addToken(entry, newAgent);
    this.#tokens.set(entry.id, entry);
  }
}

function assertOwnName(name: string): void {
  if (name !== SHARED_AGENT) return;
  const message = `"${SHARED_AGENT}" stands for what all nodes share: no agent has that name`;
  throw new HoldfastError('invalid-request', message, { issues: [{ path: 'name', message }] });
}
