import { hash } from 'node:crypto';

import {
  closedTo,
  type DeclaredCollections,
  type NodeReader,
  noneOf,
  ofScope,
  oneOf,
  opens,
  readableAgents,
  readableBy,
  sharedNamesOf,
  withDeclarations,
} from '@holdfast/network';
import { DECLARATIONS, HoldfastError, limits, SHARED_AGENT } from '@holdfast/protocol';
import type { Database, Statement } from '@holdfast/sqlite';
import { all, any, prepared, sql, type Sql } from '@holdfast/store';

import type { FeedPart, FeedRow, FeedScope } from '../feed.ts';
import { addressedTo } from './addressed.ts';
import { RECORD_ROW, type RecordRowColumns, rowOf } from './record-row.ts';

/** Places of the feed looked at for one part: some milliseconds. */
const STEP_POSITIONS = 5000;

type FeedColumns = RecordRowColumns &
  Pick<FeedRow, 'position' | 'node' | 'agent'> & { readonly damaged: number; readonly stream_id: number };

/** The records in the order the relay took them, and how far back that order is known in full (protocol rules 13 and 15). */
export class FeedTable {
  readonly #database: Database;
  readonly #declared: DeclaredCollections;
  readonly #end: Statement;
  readonly #raise: Statement;

  constructor(database: Database, declared: DeclaredCollections) {
    this.#database = database;
    this.#declared = declared;
    this.#end = database
      .prepare(
        `SELECT max(position) FROM (SELECT position FROM records WHERE position > ? ORDER BY position LIMIT ${STEP_POSITIONS})`,
      )
      .pluck();
    this.#raise = database.prepare(
      `INSERT INTO feed_floors (agent_id, collection, position) VALUES (?, ?, ?)
       ON CONFLICT (agent_id, collection) DO UPDATE SET position = max(position, excluded.position)`,
    );
  }

  /**
   * Notes that a record of an agent was removed from its place: who has read to there has seen it, and nobody else will. Needs a
   * transaction.
   */
  removed(agentId: number, collection: string, position: number): void {
    this.#raise.run(agentId, collection, position);
  }

  /** See `RelayFeed.part`. */
  part(scope: FeedScope, afterPosition: number, knownPosition: number): FeedPart {
    if (afterPosition > 0 && scope.addressedTo === undefined)
      this.#assertKnownFrom(scope, Math.max(afterPosition, knownPosition));
    const end = this.#end.get(afterPosition) as number | null;
    if (end === null) return { rows: [], position: afterPosition, more: false };
    const rows: FeedRow[] = [];
    let bytes = 0;
    for (const columns of this.#rows(scope, afterPosition, end)) {
      if (rows.length === scope.limit || bytes >= limits.syncBatchBytes) {
        return { rows, position: rows.at(-1)?.position ?? end, more: true };
      }
      const { position, node, agent, damaged, stream_id: _stream, ...row } = columns;
      rows.push({ ...rowOf(row), position, node, agent, isDamaged: damaged === 1 });
      bytes += columns.doc?.length ?? 0;
    }
    return { rows, position: end, more: this.#end.get(end) !== null };
  }

  /** See `RelayFeed.rights`. */
  rights(reader: NodeReader): string {
    const { text, params } = sharedNamesOf(reader);
    const names = prepared(this.#database, `SELECT agent FROM agents WHERE ${text} ORDER BY agent`)
      .pluck()
      .all(...params);
    const rights = JSON.stringify([reader.node, names, reader.sharedCollections.toSorted()]);
    return hash('sha256', rights).slice(0, 16);
  }

  #rows(scope: FeedScope, afterPosition: number, end: number): IterableIterator<FeedColumns> {
    const { text, params } = all(this.#conditions(scope));
    // By the stream that brought it: of what is shared that tells the node that wrote it last.
    const rows = `SELECT changed.*, node, agent FROM (
        SELECT position, stream_id, damaged, ${RECORD_ROW} FROM records WHERE position > ? AND position <= ?
      ) AS changed JOIN streams ON streams.id = stream_id JOIN agents ON agents.id = streams.agent_id
      WHERE ${text} ORDER BY position`;
    return prepared(this.#database, rows).iterate(afterPosition, end, ...params) as IterableIterator<FeedColumns>;
  }

  #conditions({ declarations = false, reader, addressedTo: node, audience, ...scope }: FeedScope): Sql[] {
    return [
      declarations ? withDeclarations(scope, 'changed') : ofScope(scope),
      ...(reader === undefined ? [] : [any([readableBy(reader, 'changed'), sql('agent = ?', SHARED_AGENT)])]),
      ...(node === undefined ? [] : [addressedTo(node)]),
      ...(audience === undefined ? [] : this.#openTo(audience)),
    ];
  }

  #openTo(audience: 'operator'): Sql[] {
    const closed = closedTo(audience, this.#declared.all());
    return closed.length === 0 ? [] : [noneOf(closed)];
  }

  #assertKnownFrom({ collections, declarations = false, nodes, agents, reader }: FeedScope, position: number): void {
    const isShared = sql('agent = ?', SHARED_AGENT);
    const { text, params } = all([
      ...(collections === undefined
        ? []
        : [oneOf('collection', [...collections, ...(declarations ? [DECLARATIONS] : [])])]),
      ...(agents === undefined ? [] : [oneOf('agent', agents)]),
      // Of what is shared it is not known any more who wrote it.
      ...(nodes === undefined ? [] : [any([oneOf('node', nodes), isShared])]),
      ...(reader === undefined ? [] : [any([removedOf(reader), isShared])]),
    ]);
    const highest = `SELECT max(position) FROM feed_floors JOIN agents ON agents.id = agent_id WHERE ${text}`;
    const floor = prepared(this.#database, highest)
      .pluck()
      .get(...params) as number | null;
    if (position >= (floor ?? 0)) return;
    throw new HoldfastError(
      'feed-refetch',
      'records have been removed since that may be known to whoever read to there',
    );
  }
}

/** Holds where records that a node may read can have been removed. In SQL over `feed_floors` and `agents`. */
function removedOf(reader: NodeReader): Sql {
  const { sharedCollections } = reader;
  if (opens(sharedCollections, '*')) return sql('1');
  const ofCollections =
    sharedCollections.length === 0 ? [] : [oneOf('collection', [...sharedCollections, DECLARATIONS])];
  return any([readableAgents(reader), ...ofCollections]);
}
