import type { Database, Statement } from '@holdfast/sqlite';
import type { RecordRow, Sql } from '@holdfast/store';

/** A record that came, and whose it is. */
export interface ReplicaRow extends RecordRow {
  readonly node: string;
  readonly agent: string;
}

interface Stored {
  readonly position: number;
  readonly version: string;
}

interface Removed {
  readonly position: number;
  readonly agentId: number;
  readonly collection: string;
}

/** The records, each at the place at which it came last, and the counts of them. All that writes needs a transaction. */
export class ReplicaRecords {
  readonly #database: Database;
  readonly #agent: Statement;
  readonly #find: Statement;
  readonly #insert: Statement;
  readonly #replace: Statement;
  readonly #move: Statement;
  readonly #remove: Statement;
  readonly #count: Statement;
  readonly #expired: Statement;
  readonly #save: Statement;
  /** Numbers of agents, by node and agent. */
  readonly #agentIds = new Map<string, number>();
  #lastPosition: number;

  constructor(database: Database) {
    this.#database = database;
    this.#lastPosition = lastPositionOf(database);
    this.#agent = database
      .prepare(
        'INSERT INTO agents (node, agent) VALUES (?, ?) ON CONFLICT DO UPDATE SET agent = excluded.agent RETURNING id',
      )
      .pluck();
    this.#find = database.prepare(
      'SELECT position, version FROM records WHERE collection = ? AND id = ? AND agent_id = ? AND resource = ?',
    );
    this.#insert = database.prepare(
      `INSERT INTO records (position, agent_id, resource, collection, id, version, created_at, updated_at, expires_at, doc)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#replace = database.prepare(
      `UPDATE records SET position = ?, version = ?, created_at = ?, updated_at = ?, expires_at = ?, doc = ?
       WHERE position = ?`,
    );
    this.#move = database.prepare('UPDATE records SET position = ? WHERE position = ?');
    this.#remove = database.prepare('DELETE FROM records WHERE position = ?');
    this.#count = database.prepare(
      `INSERT INTO collections (agent_id, name, records) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET records = records + excluded.records`,
    );
    this.#expired = database.prepare(
      'SELECT position, agent_id AS agentId, collection FROM records WHERE expires_at <= ? LIMIT ?',
    );
    this.#save = database.prepare('UPDATE replica SET last_position = ? WHERE id = 1');
  }

  /** The place of what came last. */
  get lastPosition(): number {
    return this.#lastPosition;
  }

  /**
   * Puts what came where it belongs: a tombstone, and what has expired, removes the record. An older version than is here is passed
   * over, unless all is read from the beginning (`isStartingOver`): then what the relay has counts, and is known by its new place.
   */
  place(
    row: ReplicaRow,
    { nowMs, isStartingOver }: { readonly nowMs: number; readonly isStartingOver: boolean },
  ): void {
    const agentId = this.#agentId(row);
    const stored = this.#find.get(row.collection, row.id, agentId, row.resource) as Stored | undefined;
    if (stored !== undefined && stored.version > row.version && !isStartingOver) return;
    const { doc, expiresAtMs } = row;
    if (doc === null || (expiresAtMs !== null && expiresAtMs <= nowMs)) {
      if (stored !== undefined) this.#drop({ ...stored, agentId, collection: row.collection });
      return;
    }
    if (stored?.version === row.version) {
      if (isStartingOver) this.#move.run(this.#next(), stored.position);
    } else if (stored === undefined) this.#add(agentId, { ...row, doc });
    else {
      const { version, createdAtMs, updatedAtMs } = row;
      this.#replace.run(this.#next(), version, createdAtMs, updatedAtMs, expiresAtMs, doc, stored.position);
    }
  }

  /** Says that a record that is here came again, though what came of it is not what was written. */
  keep(row: ReplicaRow): void {
    const stored = this.#find.get(row.collection, row.id, this.#agentId(row), row.resource) as Stored | undefined;
    if (stored !== undefined) this.#move.run(this.#next(), stored.position);
  }

  /** Removes at most `limit` records for which something holds, in SQL over `records` and `agents`. Returns how many. */
  removeSome({ text, params }: Sql, limit: number): number {
    const rows = this.#database
      .prepare(
        `SELECT position, agent_id AS agentId, collection FROM records JOIN agents ON agents.id = agent_id
         WHERE ${text} LIMIT ?`,
      )
      .all(...params, limit) as Removed[];
    for (const row of rows) this.#drop(row);
    return rows.length;
  }

  /** Removes at most `limit` records that have expired. Returns how many. */
  sweep(nowMs: number, limit: number): number {
    const rows = this.#expired.all(nowMs, limit) as Removed[];
    for (const row of rows) this.#drop(row);
    return rows.length;
  }

  /** Writes down the last place. */
  save(): void {
    this.#save.run(this.#lastPosition);
  }

  /** Reads anew what is remembered here, after a transaction that was undone. */
  restore(): void {
    this.#agentIds.clear();
    this.#lastPosition = lastPositionOf(this.#database);
  }

  #agentId({ node, agent }: ReplicaRow): number {
    const name = `${node}/${agent}`;
    const id = this.#agentIds.get(name) ?? (this.#agent.get(node, agent) as number);
    this.#agentIds.set(name, id);
    return id;
  }

  #add(agentId: number, { doc, ...row }: ReplicaRow): void {
    const { resource, collection, id, version, createdAtMs, updatedAtMs, expiresAtMs } = row;
    const times = [createdAtMs, updatedAtMs, expiresAtMs];
    this.#insert.run(this.#next(), agentId, resource, collection, id, version, ...times, doc);
    this.#count.run(agentId, collection, 1);
  }

  #drop({ position, agentId, collection }: Removed): void {
    this.#remove.run(position);
    this.#count.run(agentId, collection, -1);
  }

  #next(): number {
    this.#lastPosition += 1;
    return this.#lastPosition;
  }
}

function lastPositionOf(database: Database): number {
  return database.prepare('SELECT last_position FROM replica WHERE id = 1').pluck().get() as number;
}
