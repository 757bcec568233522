import type { NetworkQuery } from '@holdfast/protocol';
import { placeholders, type QueryScope, sql, type Sql } from '@holdfast/store';

const columns: QueryScope['columns'] = {
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

/** The records of the network at a point in time, or those of one node. */
export function networkScope(query: NetworkQuery, nowMs: number, onlyNode: string | undefined): QueryScope {
  return {
    from: 'records JOIN agents ON agents.id = records.agent_id',
    columns,
    visible: visibleTo(query, nowMs, onlyNode),
    name: onlyNode ?? '',
    listed: LISTED,
    // In the order of the index on the key, so that a page without an order of its own needs no sorting.
    tieBreakers: ['collection', 'records.id', 'agent_id', 'resource'],
  };
}

function visibleTo(query: NetworkQuery, nowMs: number, onlyNode: string | undefined): Sql {
  const conditions: Sql[] = [sql('deleted = 0 AND (expires_at IS NULL OR expires_at > ?)', nowMs)];
  if (query.collection !== undefined) conditions.push(sql('collection = ?', query.collection));
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
