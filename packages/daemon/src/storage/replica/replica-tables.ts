import { randomBytes } from 'node:crypto';

import { DeclaredCollections, ofScope, oneOf, opens, scopeOver, withDeclarations } from '@holdfast/network';
import {
  DECLARATIONS,
  type FeedPage,
  type NetworkQuery,
  SHARED_AGENT,
  type SubscriptionScope,
} from '@holdfast/protocol';
import { type Database, openMigrated, type Statement } from '@holdfast/sqlite';
import { all, any, not, type QueryScope, recordHash, rowOfChange, sql, type Sql } from '@holdfast/store';

import { replicaMigrations } from './migrations/index.ts';
import { ReplicaRecords } from './replica-records.ts';
import { type Reading, SubscriptionTable } from './subscription-table.ts';

/** Records removed in one transaction, so that requests are not kept waiting. */
const REMOVED_AT_ONCE = 200;
/** That there is nothing new is written down no more often than so. */
const CAUGHT_UP_MS = 60_000;

/** Who reads, and as of when. */
export interface ReplicaView {
  readonly nowMs: number;
  /** The agent that reads: its own, and what is of shared collections. Null: all. */
  readonly agent: string | null;
}

/** The file of what a node subscribed to. Everything in it can be had again from the relay. Synchronous. */
export class ReplicaTables {
  readonly #database: Database;
  readonly #declared: DeclaredCollections;
  readonly #records: ReplicaRecords;
  readonly #subscriptions: SubscriptionTable;
  readonly #life: string;
  readonly #noteShared: Statement;
  readonly #counted: Statement;
  #sharedCollections: readonly string[];

  /** Opens the file, making it and bringing its schema up to date as needed. Throws like `openMigrated`. */
  constructor(path: string) {
    const database = openMigrated(path, replicaMigrations);
    this.#database = database;
    try {
      // A power cut may take the last pages along, each with its cursor: they come again.
      database.pragma('synchronous = NORMAL');
      database
        .prepare(
          "INSERT INTO replica (id, life, last_position, shared_collections) VALUES (1, ?, 0, '[]') ON CONFLICT DO NOTHING",
        )
        .run(randomBytes(8).toString('hex'));
      const row = database.prepare('SELECT life, shared_collections AS shared FROM replica WHERE id = 1').get() as {
        readonly life: string;
        readonly shared: string;
      };
      this.#life = row.life;
      this.#sharedCollections = JSON.parse(row.shared) as string[];
      this.#declared = new DeclaredCollections(database);
      this.#records = new ReplicaRecords(database);
      this.#subscriptions = new SubscriptionTable(database);
      this.#noteShared = database.prepare('UPDATE replica SET shared_collections = ? WHERE id = 1');
      this.#counted = database.prepare('SELECT ifnull(sum(records), 0) FROM collections').pluck();
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** How many records there are. */
  get records(): number {
    return this.#counted.get() as number;
  }

  /** Collections of which agents read what all agents of their resource wrote, as the relay said last; `*`: all. */
  get sharedCollections(): readonly string[] {
    return this.#sharedCollections;
  }

  /**
   * Makes the subscriptions those that are wanted. What no one covers any more is still to be pruned; of what one covers that is at the beginning
   * some may be gone at the relay, or older there: it is read as when one starts over.
   */
  fit(wanted: ReadonlyMap<string, SubscriptionScope>): void {
    this.#write(() => {
      for (const [name, scope] of this.#subscriptions.fit(wanted)) if (this.#hasAny(scope)) this.#startOver(name);
    });
  }

  /** How far a subscription was read. */
  reading(name: string): Reading {
    return this.#subscriptions.reading(name);
  }

  /** How many live records a subscription has; expired ones count until they are swept. */
  countOf(scope: SubscriptionScope): number {
    const { text, params } = ofScope(scope);
    // Counts are kept by agent and collection: only of some resources the records themselves are counted.
    const counted =
      scope.resources === undefined
        ? 'SELECT ifnull(sum(records), 0) FROM (SELECT agent_id, name AS collection, records FROM collections)'
        : 'SELECT count(*) FROM records';
    const count = `${counted} JOIN agents ON agents.id = agent_id WHERE ${text}`;
    return this.#database
      .prepare(count)
      .pluck()
      .get(...params) as number;
  }

  /**
   * Keeps a page of a subscription and its cursor. If the node may read more or less than when it was begun, the page is not kept, and the
   * subscription is read from the beginning: what was passed over then does not come by itself. Returns whether it was kept.
   */
  take(name: string, page: FeedPage, nowMs: number): boolean {
    const reading = this.reading(name);
    const rights = page.rights?.mark ?? null;
    if (reading.rights !== null && reading.rights !== rights) {
      this.#write(() => {
        // What an agent may read no more is hidden at once.
        this.#noteRights(page.rights?.collections ?? []);
        this.#startOver(name);
      });
      return false;
    }
    const isEmpty = page.changes.length === 0 && page.cursor === reading.cursor;
    const caughtUpMs = page.more || reading.startedOverAt !== null ? reading.caughtUpMs : nowMs;
    if (isEmpty && nowMs - (reading.caughtUpMs ?? 0) < CAUGHT_UP_MS && rights === reading.rights) return true;
    this.#write(() => {
      this.#place(page, { nowMs, isStartingOver: reading.startedOverAt !== null });
      this.#noteRights(page.rights?.collections ?? []);
      this.#subscriptions.save(name, { ...reading, cursor: page.cursor, rights, caughtUpMs });
    });
    return true;
  }

  /** A subscription is to be read from the beginning: what does not come again is removed at its end, and stays readable until then. */
  startOver(name: string): void {
    this.#write(() => this.#startOver(name));
  }

  /**
   * The next step of removing what did not come again when a subscription was read from the beginning to its end. Returns whether there is
   * more to do.
   */
  finish(name: string, scope: SubscriptionScope, nowMs: number): boolean {
    const reading = this.reading(name);
    if (reading.startedOverAt === null) return false;
    const unmet = all([sql('position <= ?', reading.startedOverAt), withDeclarations(scope)]);
    return this.#write(() => {
      if (this.#removeSome(unmet)) return true;
      this.#subscriptions.save(name, { ...reading, startedOverAt: null, caughtUpMs: nowMs });
      return false;
    });
  }

  /** The next step of removing what no subscription covers. Returns whether there is more to do. */
  prune(): boolean {
    const uncovered = not(any(this.#subscriptions.scopes().map((scope) => withDeclarations(scope))));
    return this.#write(() => this.#removeSome(uncovered));
  }

  /** The next step of removing what has expired. Returns whether there is more to do. */
  sweep(nowMs: number): boolean {
    return this.#write(() => this.#records.sweep(nowMs, REMOVED_AT_ONCE) === REMOVED_AT_ONCE);
  }

  /** What a query is over, and what of it somebody may see. */
  scopeOf(query: NetworkQuery, { nowMs, agent }: ReplicaView): QueryScope {
    const visible = [
      ...(agent === null ? [] : [this.#readableBy(agent)]),
      ...(query.collection === undefined ? [this.#subscribed()] : []),
    ];
    const name = `replica ${this.#life} ${agent ?? ''}`;
    return scopeOver(query, { nowMs, declared: this.#declared, visible, name });
  }

  /** Closes the file. */
  close(): void {
    this.#database.close();
  }

  #place({ changes }: FeedPage, when: { readonly nowMs: number; readonly isStartingOver: boolean }): void {
    for (const change of changes) {
      // What all nodes share is in a file of its own, on every node.
      if (change.agent === SHARED_AGENT) continue;
      const row = { ...rowOfChange(change), node: change.node, agent: change.agent };
      // It rotted at the relay, and comes again once it is mended: what is here meanwhile is sound.
      if (recordHash(row) !== row.hash) this.#records.keep(row);
      else this.#records.place(row, when);
      this.#declared.noted(row.collection);
    }
  }

  #startOver(name: string): void {
    const startedOverAt = this.#records.lastPosition;
    this.#subscriptions.save(name, { ...this.reading(name), cursor: null, rights: null, startedOverAt });
  }

  #hasAny(scope: SubscriptionScope): boolean {
    const { text, params } = withDeclarations(scope);
    const any = `SELECT EXISTS (SELECT 1 FROM records JOIN agents ON agents.id = agent_id WHERE ${text})`;
    return (
      this.#database
        .prepare(any)
        .pluck()
        .get(...params) === 1
    );
  }

  #removeSome(condition: Sql): boolean {
    this.#declared.noted(DECLARATIONS);
    return this.#records.removeSome(condition, REMOVED_AT_ONCE) === REMOVED_AT_ONCE;
  }

  #noteRights(sharedCollections: readonly string[]): void {
    if (JSON.stringify(sharedCollections) === JSON.stringify(this.#sharedCollections)) return;
    this.#noteShared.run(JSON.stringify(sharedCollections));
    this.#sharedCollections = sharedCollections;
  }

  #readableBy(agent: string): Sql {
    const shared = this.#sharedCollections;
    if (opens(shared, '*')) return sql('1');
    return any([sql('agent = ?', agent), ...(shared.length === 0 ? [] : [oneOf('collection', shared)])]);
  }

  // Declarations come along for the queries' sake: only who asked for them sees them.
  #subscribed(): Sql {
    return any([sql('collection <> ?', DECLARATIONS), ...this.#subscriptions.scopes().map(ofScope)]);
  }

  #write<Result>(run: () => Result): Result {
    const shared = this.#sharedCollections;
    const forget = this.#declared.savepoint();
    try {
      return this.#database
        .transaction(() => {
          const result = run();
          this.#declared.fit();
          this.#records.save();
          return result;
        })
        .immediate();
    } catch (error) {
      forget();
      this.#sharedCollections = shared;
      this.#records.restore();
      throw error;
    }
  }
}
