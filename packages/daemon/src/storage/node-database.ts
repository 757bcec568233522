import { randomBytes } from 'node:crypto';

import {
  copyDatabase,
  type Database,
  openMigrated,
  type Statement,
  type StorageGuard,
  unguarded,
} from '@holdfast/sqlite';

import type { CommitConfig, SubscriptionScope } from '@holdfast/protocol';

import { ArrivalNotes } from './arrival-notes.ts';
import { FileMarks } from './file-marks.ts';
import { nodeMigrations } from './migrations/index.ts';
import { NodeLeases } from './node-leases.ts';

/** Where a node belongs, once it has joined. */
export interface Enrolment {
  /** The node's name in the network. */
  readonly name: string;
  readonly relayUrl: string;
  /** The node's token at the relay. A secret. */
  readonly credential: string;
  readonly joinedAtMs: number;
}

/** An agent of this node. */
export interface AgentEntry {
  readonly name: string;
  readonly createdAtMs: number;
}

/** A token as it is stored: the hash of its secret, never the secret. */
export interface TokenEntry {
  readonly id: string;
  readonly role: 'agent' | 'admin';
  /** Null for an admin's. */
  readonly agent: string | null;
  /** The one resource it is bound to; null: any. */
  readonly resource: string | null;
  readonly hash: string;
  readonly createdAtMs: number;
}

/** Earlier starts kept, and told to the relay, at most. */
const MAX_PREDECESSORS = 100;

/**
 * The node's own database, `node.db`: who it is, its starts, its agents and tokens. Writes are rare and durable when
 * they return. Throws `storage-failed` or `disk-full` like every store.
 */
export class NodeDatabase {
  /** What is known of the agents' files. */
  readonly marks: FileMarks;
  /** What came from other nodes. */
  readonly arrivals: ArrivalNotes;
  readonly #database: Database;
  readonly #guard: StorageGuard;
  readonly #addBoot: Statement;
  readonly #boots: Statement;
  readonly #forgetBoots: Statement;
  readonly #latestBoot: Statement;
  readonly #enrolment: Statement;

  /** Opens the file, making it if needed. `guard`: who is asked and told when the disk fails. */
  constructor(path: string, guard: StorageGuard = unguarded) {
    this.#guard = guard;
    this.#database = openMigrated(path, nodeMigrations);
    this.#database
      .prepare('INSERT INTO node (id, suffix) VALUES (1, ?) ON CONFLICT DO NOTHING')
      .run(randomBytes(4).toString('hex'));
    this.marks = new FileMarks(this.#database, (what, run) => this.#write(what, run));
    this.arrivals = new ArrivalNotes(this.#database, (what, run) => this.#write(what, run));
    this.#addBoot = this.#database.prepare('INSERT INTO boots (boot) VALUES (?)');
    this.#boots = this.#database.prepare('SELECT boot FROM boots WHERE boot <> ? ORDER BY number DESC LIMIT ?').pluck();
    this.#latestBoot = this.#database.prepare('SELECT boot FROM boots ORDER BY number DESC LIMIT 1').pluck();
    this.#enrolment = this.#database.prepare(
      'SELECT name, relay_url AS relayUrl, credential, joined_at AS joinedAtMs FROM enrolment WHERE id = 1',
    );
    this.#forgetBoots = this.#database.prepare(
      `DELETE FROM boots WHERE number <= (SELECT number FROM boots ORDER BY number DESC LIMIT 1 OFFSET ${MAX_PREDECESSORS + 1})`,
    );
  }

  /** 8 random hexadecimal digits, made with the file: they tell the node from others, to its backups. */
  get suffix(): string {
    return this.#database.prepare('SELECT suffix FROM node WHERE id = 1').pluck().get() as string;
  }

  /** Notes a start of the daemon (protocol rule 7). */
  addBoot(boot: string): void {
    const add = this.#database.transaction(() => {
      this.#addBoot.run(boot);
      this.#forgetBoots.run();
    });
    this.#write('the start', () => add.immediate());
  }

  /** Starts that `boot` goes on from, newest first; the oldest are forgotten. */
  predecessorsOf(boot: string): string[] {
    return this.#boots.all(boot, MAX_PREDECESSORS) as string[];
  }

  /** The latest start, which speaks for the node now. */
  get boot(): string {
    return this.#latestBoot.get() as string;
  }

  /** Where the node belongs; undefined until it has joined. */
  get enrolment(): Enrolment | undefined {
    return this.#enrolment.get() as Enrolment | undefined;
  }

  /** Notes where the node belongs. A node joins once. `isAdopting`: it takes over another machine's agents next. */
  enrol(enrolment: Enrolment, isAdopting = false): void {
    const { name, relayUrl, credential, joinedAtMs } = enrolment;
    const insert = this.#database.prepare(
      'INSERT INTO enrolment (id, name, relay_url, credential, joined_at, adopting) VALUES (1, ?, ?, ?, ?, ?)',
    );
    this.#write('the enrolment', () => insert.run(name, relayUrl, credential, joinedAtMs, isAdopting ? 1 : 0));
  }

  /**
   * Notes a node's own place anew, to take over its agents next, and a start of its own: the relay has shut out whoever had
   * that place before, and this node was it.
   */
  enrolAgain({ relayUrl, credential, joinedAtMs }: Enrolment, boot: string): void {
    const enrol = this.#database.prepare(
      'UPDATE enrolment SET relay_url = ?, credential = ?, joined_at = ?, adopting = 1 WHERE id = 1',
    );
    const change = this.#database.transaction(() => {
      enrol.run(relayUrl, credential, joinedAtMs);
      this.#database.prepare('DELETE FROM boots').run();
      this.arrivals.forgetCursor();
      this.#addBoot.run(boot);
    });
    this.#write('the enrolment', () => change.immediate());
  }

  /**
   * Makes the node another one, together: where it belongs, its suffix, and a start of its own, as the earlier
   * ones were another node's.
   */
  reidentify({ name, relayUrl, credential, joinedAtMs }: Enrolment, suffix: string, boot: string): void {
    const enrol = this.#database.prepare(
      'UPDATE enrolment SET name = ?, relay_url = ?, credential = ?, joined_at = ? WHERE id = 1',
    );
    const change = this.#database.transaction(() => {
      enrol.run(name, relayUrl, credential, joinedAtMs);
      this.#database.prepare('UPDATE node SET suffix = ? WHERE id = 1').run(suffix);
      this.#database.prepare('DELETE FROM boots').run();
      this.arrivals.forgetCursor();
      this.#addBoot.run(boot);
    });
    this.#write('the new identity', () => change.immediate());
  }

  /** Whether the node took over another one and does not know its agents yet. */
  get isAdopting(): boolean {
    return this.#database.prepare('SELECT adopting FROM enrolment WHERE id = 1').pluck().get() === 1;
  }

  /** The agents taken over, each to be rebuilt from what `restoring` says, together. */
  adopt(agents: readonly AgentEntry[], restoring: string): void {
    const add = this.#database.prepare(
      'INSERT INTO agents (name, created_at, restoring) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING',
    );
    const end = this.#database.prepare('UPDATE enrolment SET adopting = 0');
    const addAll = this.#database.transaction(() => {
      for (const { name, createdAtMs } of agents) add.run(name, createdAtMs, restoring);
      end.run();
    });
    this.#write('the agents taken over', () => addAll.immediate());
  }

  /** The agents, by name. */
  agents(): AgentEntry[] {
    return this.#database
      .prepare('SELECT name, created_at AS createdAtMs FROM agents ORDER BY name')
      .all() as AgentEntry[];
  }

  /** All tokens, oldest first. */
  tokens(): TokenEntry[] {
    return this.#database
      .prepare('SELECT id, role, agent, resource, hash, created_at AS createdAtMs FROM tokens ORDER BY created_at, id')
      .all() as TokenEntry[];
  }

  /** Adds an agent without a token. */
  addAgent({ name, createdAtMs }: AgentEntry): void {
    const add = this.#database.prepare('INSERT INTO agents (name, created_at) VALUES (?, ?)');
    this.#write('the agent', () => add.run(name, createdAtMs));
  }

  /** Adds a token, and its agent with it if that is new, together. */
  addToken(token: TokenEntry, newAgent?: AgentEntry): void {
    const addAgent = this.#database.prepare('INSERT INTO agents (name, created_at) VALUES (?, ?)');
    const addToken = this.#database.prepare(
      'INSERT INTO tokens (id, role, agent, resource, hash, created_at) VALUES (?, ?, ?, ?, ?, ?)',
    );
    const add = this.#database.transaction(() => {
      if (newAgent !== undefined) addAgent.run(newAgent.name, newAgent.createdAtMs);
      addToken.run(token.id, token.role, token.agent, token.resource, token.hash, token.createdAtMs);
    });
    this.#write('the token', () => add.immediate());
  }

  /** Removes a token. */
  removeToken(id: string): void {
    const remove = this.#database.prepare('DELETE FROM tokens WHERE id = ?');
    this.#write('the revocation', () => remove.run(id));
  }

  /** What the node subscribed to by calls, by name. */
  subscriptions(): Map<string, SubscriptionScope> {
    const rows = this.#database.prepare('SELECT name, scope FROM subscriptions ORDER BY name').raw().all();
    return new Map((rows as [string, string][]).map(([name, scope]) => [name, JSON.parse(scope) as SubscriptionScope]));
  }

  /** Keeps a subscription under its name. */
  putSubscription(name: string, scope: SubscriptionScope): void {
    const put = this.#database.prepare('INSERT OR REPLACE INTO subscriptions (name, scope) VALUES (?, ?)');
    this.#write('the subscription', () => put.run(name, JSON.stringify(scope)));
  }

  /** Forgets a subscription. */
  removeSubscription(name: string): void {
    const remove = this.#database.prepare('DELETE FROM subscriptions WHERE name = ?');
    this.#write('the end of the subscription', () => remove.run(name));
  }

  /** Opens the locks. Once, and to be closed before the file. */
  openLeases(config: CommitConfig): NodeLeases {
    return new NodeLeases(this.#database, config, this.#guard);
  }

  /** Throws when the database does not answer. */
  check(): void {
    this.#database.prepare('SELECT 1').get();
  }

  /** Copies the file to a new one, see `copyDatabase`; what is noted meanwhile is in the copy. `onProgress` ends it by throwing. */
  copyTo(path: string, onProgress: () => void): Promise<void> {
    return copyDatabase(this.#database, path, onProgress);
  }

  /** Closes the file. */
  close(): void {
    this.#database.close();
  }

  #write(what: string, run: () => unknown): void {
    this.#guard.assertSound();
    try {
      run();
    } catch (error) {
      throw this.#guard.translate(error, `${what} could not be stored`, this.#database.name);
    }
  }
}
