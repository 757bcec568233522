import type { NetworkQuery } from '@holdfast/protocol';
import type { Database } from '@holdfast/sqlite';
import type { DeclaredCollections } from './declared-collections.ts';
import { named, placeholders, type QueryResult, type QueryScope, runQuery, sql, type Sql } from '@holdfast/store';

const columns: QueryScope['names']['columns'] = {
  id: { column: 'records.id', kind: 'text' },
  resource: { column: 'resource', kind: 'text' },
  version: { column: 'version', kind: 'text' },
  created_at: { column: 'created_at', kind: 'time' },
  updated_at: { column: 'updated_at', kind: 'time' },
  expires_at: { column: 'expires_at', kind: 'time' },
  node: { column: 'node', kind: 'text' },
  agent: { column: 'agent', kind: 'text' },
};

const LISTED = 'node, agent, resource, collection, records.id AS id, version, created_at, updated_at, expires_at, doc';

/** What a query is answered from. */
export interface NetworkView {
  readonly declared: DeclaredCollections;
  readonly nowMs: number;
  /** Undefined: all of them. */
  readonly onlyNode: string | undefined;
}

/** Runs a query over the records of the network, or of one node. Throws `invalid-request`. */
export function runNetworkQuery(
  database: Database,
  query: NetworkQuery,
  { declared, nowMs, onlyNode }: NetworkView,
): QueryResult {
  return runQuery(database, query, {
    from: sql('records JOIN agents ON agents.id = records.agent_id'),
    key: 'records.position',
    ofCollection: query.collection,
    names: { columns, ...declared.names(query.collection) },
    visible: visibleTo(query, nowMs, onlyNode),
    name: onlyNode ?? '',
    listed: LISTED,
    // In the order of the index on the key, so that a page without an order of its own needs no sorting.
    tieBreakers: ['collection', 'records.id', 'agent_id', 'resource'],
  });
}

function visibleTo(query: NetworkQuery, nowMs: number, onlyNode: string | undefined): Sql {
  const conditions: Sql[] = [sql('deleted = 0 AND (expires_at IS NULL OR expires_at > ?)', nowMs)];
  if (query.collection !== undefined) conditions.push(sql(`collection = ${named(query.collection)}`));
  if (onlyNode !== undefined) conditions.push(sql('node = ?', onlyNode));
  if (query.nodes !== undefined) conditions.push(oneOf('node', query.nodes));
  if (query.agents !== undefined) conditions.push(oneOf('agent', query.agents));
  if (query.resources !== undefined) conditions.push(oneOf('resource', query.resources));
  return {
    text: conditions.map(({ text }) => text).join(' AND '),
    params: conditions.flatMap(({ params }) => params),
  };
}

function oneOf(column: string, values: readonly string[]): Sql {
  return sql(`${column} IN (${placeholders(values.length)})`, ...values);
}
