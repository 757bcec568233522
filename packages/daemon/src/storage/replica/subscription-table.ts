import type { SubscriptionScope } from '@holdfast/protocol';
import type { Database, Statement } from '@holdfast/sqlite';

/** How far a subscription was read, and by what rights. */
export interface Reading {
  /** What the last page ended with; null: the feed is read from the beginning. */
  readonly cursor: string | null;
  /** The mark of what the node could read when that was begun; null: no page told it yet. */
  readonly rights: string | null;
  /** The last position when it was begun to be read from the beginning again; null: it is not. */
  readonly startedOverAt: number | null;
  /** When the node last had all there was; null: never. */
  readonly caughtUpMs: number | null;
}

/** A subscription whose beginning is still to be read. */
const BEGINNING: Reading = { cursor: null, rights: null, startedOverAt: null, caughtUpMs: null };

interface SubscriptionColumns extends Reading {
  readonly name: string;
  readonly scope: string;
}

/** The subscriptions, each with how far it was read. All that writes needs a transaction. */
export class SubscriptionTable {
  readonly #all: Statement;
  readonly #reading: Statement;
  readonly #save: Statement;
  readonly #put: Statement;
  readonly #remove: Statement;

  constructor(database: Database) {
    const columns = 'cursor, rights, started_over_at AS startedOverAt, caught_up_at AS caughtUpMs FROM subscriptions';
    this.#all = database.prepare(`SELECT name, scope, ${columns} ORDER BY name`);
    this.#reading = database.prepare(`SELECT ${columns} WHERE name = ?`);
    this.#save = database.prepare(
      'UPDATE subscriptions SET cursor = ?, rights = ?, started_over_at = ?, caught_up_at = ? WHERE name = ?',
    );
    this.#put = database.prepare('INSERT OR REPLACE INTO subscriptions (name, scope) VALUES (?, ?)');
    this.#remove = database.prepare('DELETE FROM subscriptions WHERE name = ?');
  }

  /** Makes the subscriptions those that are wanted. Returns those that are new, or have another scope: they are at the beginning. */
  fit(wanted: ReadonlyMap<string, SubscriptionScope>): ReadonlyMap<string, SubscriptionScope> {
    const present = new Map((this.#all.all() as SubscriptionColumns[]).map(({ name, scope }) => [name, scope]));
    for (const name of present.keys()) if (!wanted.has(name)) this.#remove.run(name);
    const begun = new Map([...wanted].filter(([name, scope]) => present.get(name) !== JSON.stringify(scope)));
    for (const [name, scope] of begun) this.#put.run(name, JSON.stringify(scope));
    return begun;
  }

  /** What all subscriptions are of. */
  scopes(): SubscriptionScope[] {
    return (this.#all.all() as SubscriptionColumns[]).map(({ scope }) => JSON.parse(scope) as SubscriptionScope);
  }

  /** How far a subscription was read; one that is not there is at the beginning. */
  reading(name: string): Reading {
    return (this.#reading.get(name) as Reading | undefined) ?? BEGINNING;
  }

  /** Writes down how far a subscription was read. */
  save(name: string, { cursor, rights, startedOverAt, caughtUpMs }: Reading): void {
    this.#save.run(cursor, rights, startedOverAt, caughtUpMs, name);
  }
}
