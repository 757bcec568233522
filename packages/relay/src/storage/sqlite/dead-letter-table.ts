import { type DeadLetter, HoldfastError } from '@holdfast/protocol';
import type { Database, Statement } from '@holdfast/sqlite';
import { toTimestamp } from '@holdfast/store';

import type { IncomingChange, Refusal, StoredDeadLetter } from '../relay-store.ts';
import { OWNER_ID } from './record-row.ts';
import type { Owner } from './record-table.ts';

const LISTED = `dead_letters.id, agents.node, agents.agent, seq, code, reason, received_at, resource, collection, record, version`;
const FROM = `FROM dead_letters JOIN streams ON streams.id = stream_id JOIN agents ON agents.id = streams.agent_id`;

interface LetterColumns extends Omit<DeadLetter, 'id' | 'received_at'> {
  readonly id: number;
  readonly received_at: number;
}

/** The changes that could not be taken (protocol rule 8). All that writes needs a transaction. */
export class DeadLetterTable {
  readonly #keep: Statement;
  readonly #list: Statement;
  readonly #get: Statement;
  readonly #owner: Statement;
  readonly #drop: Statement;

  constructor(database: Database) {
    this.#keep = database.prepare(
      `INSERT INTO dead_letters (stream_id, seq, code, reason, received_at, resource, collection, record, version, change)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (stream_id, seq) DO UPDATE SET code = excluded.code, reason = excluded.reason,
       received_at = excluded.received_at, resource = excluded.resource, collection = excluded.collection,
       record = excluded.record, version = excluded.version, change = excluded.change`,
    );
    this.#list = database.prepare(`SELECT ${LISTED} ${FROM} ORDER BY dead_letters.id DESC LIMIT ?`);
    this.#get = database.prepare(`SELECT ${LISTED}, change ${FROM} WHERE dead_letters.id = ?`);
    this.#owner = database.prepare(
      `SELECT ${OWNER_ID} AS agentId, stream_id AS streamId ${FROM} WHERE dead_letters.id = ?`,
    );
    this.#drop = database.prepare('DELETE FROM dead_letters WHERE id = ?');
  }

  /** Keeps a change with the reason. One that came before, by its place in the stream, is kept once. */
  keep({ streamId }: Owner, { seq, line }: IncomingChange, refusal: Refusal, nowMs: number): void {
    const { code, reason, resource, collection, record, version } = refusal;
    this.#keep.run(streamId, seq, code, reason, nowMs, resource, collection, record, version, line);
  }

  /** The newest, newest first. */
  list(limit: number): DeadLetter[] {
    return (this.#list.all(limit) as LetterColumns[]).map(shown);
  }

  /** Throws `dead-letter-not-found`. */
  get(id: string): StoredDeadLetter {
    const row = this.#get.get(Number(id)) as (LetterColumns & { change: string }) | undefined;
    if (row === undefined) throw notFound(id);
    return { ...shown(row), change: row.change };
  }

  /** Whose change it is. Throws `dead-letter-not-found`. */
  owner(id: string): Owner {
    const owner = this.#owner.get(Number(id)) as Owner | undefined;
    if (owner === undefined) throw notFound(id);
    return owner;
  }

  /** Throws `dead-letter-not-found`. */
  drop(id: string): void {
    if (this.#drop.run(Number(id)).changes === 0) throw notFound(id);
  }
}

function shown(row: LetterColumns): DeadLetter {
  return { ...row, id: String(row.id), received_at: toTimestamp(row.received_at) };
}

function notFound(id: string): HoldfastError {
  return new HoldfastError('dead-letter-not-found', `there is no dead letter ${id}`);
}
