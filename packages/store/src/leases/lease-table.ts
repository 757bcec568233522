import type { Database, Statement } from '@holdfast/sqlite';

import type { Lease, LeaseRequest, Lock, LockHolder } from './leases.ts';

/** A lease as it is stored. */
export interface StoredLease extends Lock, Lease {
  readonly holder: LockHolder;
  /** Of the request it was given to; null: it had none. */
  readonly key: string | null;
}

interface LeaseColumns extends Omit<StoredLease, 'holder' | 'ttlMs'> {
  readonly node: string | null;
  readonly agent: string;
  readonly ttl_ms: number;
}

const COLUMNS = 'resource, name, lease, fence, node, agent, ttl_ms, key';

/** The leases that are held. All that writes needs a transaction. */
export class LeaseTable {
  readonly #all: Statement;
  readonly #find: Statement;
  readonly #byLease: Statement;
  readonly #list: Statement;
  readonly #add: Statement;
  readonly #setTtl: Statement;
  readonly #remove: Statement;

  constructor(database: Database) {
    const select = `SELECT ${COLUMNS} FROM leases`;
    this.#all = database.prepare(select);
    this.#find = database.prepare(`${select} WHERE resource = ? AND name = ?`);
    this.#byLease = database.prepare(`${select} WHERE lease = ?`);
    this.#list = database.prepare(`${select} WHERE resource = ? AND name > ? ORDER BY name LIMIT ?`);
    this.#add = database.prepare(`INSERT INTO leases (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#setTtl = database.prepare('UPDATE leases SET ttl_ms = ? WHERE lease = ?');
    this.#remove = database.prepare('DELETE FROM leases WHERE lease = ?');
  }

  all(): StoredLease[] {
    return (this.#all.all() as LeaseColumns[]).map(leaseOf);
  }

  find({ resource, name }: Lock): StoredLease | undefined {
    return leaseOrNothing(this.#find.get(resource, name));
  }

  byLease(lease: string): StoredLease | undefined {
    return leaseOrNothing(this.#byLease.get(lease));
  }

  list(resource: string, { after, limit }: { readonly after: string; readonly limit: number }): StoredLease[] {
    return (this.#list.all(resource, after, limit) as LeaseColumns[]).map(leaseOf);
  }

  add({ resource, name, holder, ttlMs, key }: LeaseRequest, { lease, fence }: Pick<Lease, 'lease' | 'fence'>): void {
    this.#add.run(resource, name, lease, fence, holder.node, holder.agent, ttlMs, key ?? null);
  }

  setTtl(lease: string, ttlMs: number): void {
    this.#setTtl.run(ttlMs, lease);
  }

  remove(lease: string): void {
    this.#remove.run(lease);
  }
}

function leaseOrNothing(row: unknown): StoredLease | undefined {
  return row === undefined ? undefined : leaseOf(row as LeaseColumns);
}

function leaseOf({ node, agent, ttl_ms: ttlMs, ...rest }: LeaseColumns): StoredLease {
  return { ...rest, ttlMs, holder: { node, agent } };
}
