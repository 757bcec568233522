import { type Cursor, SHARED_AGENT, VERSION_PATTERN, ZERO_VERSION } from '@holdfast/protocol';
import type { Database, Statement } from '@holdfast/sqlite';
import { digestOf, digestText, EMPTY_DIGEST } from '@holdfast/store';

import type { StreamCursor, StreamName } from '../relay-store.ts';
import { OWNER_ID, SHARED_OWNER_ID } from './record-row.ts';
import type { Owner } from './record-table.ts';

const DIGEST = /^[0-9a-f]{16}$/;

/** A stream as it stands. */
export interface StoredStream extends Owner {
  /** The agent whose stream it is. */
  readonly writerId: number;
  readonly cursor: Cursor;
  /** Whether this transaction began it. */
  readonly isNew: boolean;
}

interface StreamColumns {
  readonly agentId: number;
  readonly writerId: number;
  readonly streamId: number;
  readonly seq: number;
  readonly version: string;
}

/** The agents, their streams, and up to where the relay holds each. All that writes needs a transaction. */
export class StreamTable {
  readonly #find: Statement;
  readonly #findAgent: Statement;
  readonly #addAgent: Statement;
  readonly #addStream: Statement;
  readonly #move: Statement;
  readonly #touch: Statement;
  readonly #digest: Statement;
  readonly #agentIds: Statement;
  readonly #agentIdsOf: Statement;
  readonly #setDigest: Statement;
  readonly #ofNode: Statement;

  constructor(database: Database) {
    this.#find = database.prepare(
      `SELECT ${OWNER_ID} AS agentId, agents.id AS writerId, streams.id AS streamId, cursor_seq AS seq, cursor_version AS version
       FROM agents JOIN streams ON streams.agent_id = agents.id WHERE node = ? AND agent = ? AND incarnation = ?`,
    );
    this.#findAgent = database.prepare('SELECT id FROM agents WHERE node = ? AND agent = ?').pluck();
    this.#addAgent = database.prepare('INSERT INTO agents (node, agent) VALUES (?, ?) RETURNING id').pluck();
    this.#addStream = database
      .prepare(
        `INSERT INTO streams (agent_id, incarnation, cursor_seq, cursor_version, last_change_at)
         VALUES (?, ?, 0, ?, NULL) RETURNING id`,
      )
      .pluck();
    this.#move = database.prepare('UPDATE streams SET cursor_seq = ?, cursor_version = ? WHERE id = ?');
    this.#touch = database.prepare('UPDATE streams SET last_change_at = ? WHERE id = ?');
    this.#digest = database.prepare('SELECT digest FROM agents WHERE id = ?').pluck();
    this.#agentIds = database.prepare('SELECT id FROM agents WHERE agent <> ?').pluck();
    this.#agentIdsOf = database.prepare('SELECT id FROM agents WHERE node = ?').pluck();
    this.#setDigest = database.prepare('UPDATE agents SET digest = ? WHERE id = ?');
    this.#ofNode = database.prepare(
      `SELECT agent, incarnation, cursor_seq AS seq, cursor_version AS version, digest
       FROM agents JOIN streams ON streams.agent_id = agents.id WHERE node = ? ORDER BY streams.id`,
    );
  }

  /** The stream; undefined if nothing of it ever came. */
  find({ node, agent, incarnation }: StreamName): StoredStream | undefined {
    const row = this.#find.get(node, agent, incarnation) as StreamColumns | undefined;
    if (row === undefined) return undefined;
    const { seq, version, ...owner } = row;
    return { ...owner, cursor: readableCursor(seq, version), isNew: false };
  }

  /** The stream, begun if need be. */
  begin(name: StreamName): StoredStream {
    const found = this.find(name);
    if (found !== undefined) return found;
    const known = this.#findAgent.get(name.node, name.agent) as number | undefined;
    const writerId = known ?? (this.#addAgent.get(name.node, name.agent) as number);
    const streamId = this.#addStream.get(writerId, name.incarnation, ZERO_VERSION) as number;
    const agentId = name.agent === SHARED_AGENT ? SHARED_OWNER_ID : writerId;
    return { agentId, writerId, streamId, cursor: { seq: 0, version: ZERO_VERSION }, isNew: true };
  }

  /** Moves a stream's cursor. */
  move({ streamId }: Owner, { seq, version }: Cursor): void {
    this.#move.run(seq, version, streamId);
  }

  /** Notes when a stream last brought a change. */
  touch({ streamId }: Owner, nowMs: number): void {
    this.#touch.run(nowMs, streamId);
  }

  /** The digest of an agent's records. */
  digest({ agentId }: Pick<Owner, 'agentId'>): string {
    return readable(this.#digest.get(agentId) as string);
  }

  /** XORs what changes did to an agent's records into its digest. What all nodes share has none: no node holds it as its own. */
  changeDigest({ agentId }: Pick<Owner, 'agentId'>, change: bigint): void {
    if (change !== 0n && agentId !== SHARED_OWNER_ID)
      this.setDigest(agentId, digestOf(this.digest({ agentId })) ^ change);
  }

  /** All agents that have a digest. */
  agentIds(): number[] {
    return this.#agentIds.all(SHARED_AGENT) as number[];
  }

  /** The agents of a node. */
  agentIdsOf(node: string): number[] {
    return this.#agentIdsOf.all(node) as number[];
  }

  /** Notes what the digest of an agent's records is. */
  setDigest(agentId: number, digest: bigint): void {
    this.#setDigest.run(digestText(digest), agentId);
  }

  /** The cursors of a node's streams, in the order the streams began. */
  ofNode(node: string): StreamCursor[] {
    const rows = this.#ofNode.all(node) as (Cursor & Omit<StreamCursor, 'cursor'>)[];
    return rows.map(({ agent, incarnation, seq, version, digest }) => {
      return { agent, incarnation, cursor: readableCursor(seq, version), digest: readable(digest) };
    });
  }
}

// What rotted to no digest at all must not keep a node from its sessions: it differs, and the next check counts it anew.
function readable(digest: string): string {
  return DIGEST.test(digest) ? digest : EMPTY_DIGEST;
}

// A cursor that rotted must not either: the node sends again what is above none.
function readableCursor(seq: number, version: string): Cursor {
  const isReadable = Number.isSafeInteger(seq) && seq >= 0 && VERSION_PATTERN.test(version);
  return isReadable ? { seq, version } : { seq: 0, version: ZERO_VERSION };
}
