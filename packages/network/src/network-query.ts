import type { NetworkQuery } from '@holdfast/protocol';
import { all, any, named, placeholders, type QueryScope, recordColumns, sql, type Sql } from '@holdfast/store';

import type { NetworkView, NodeReader } from './network-view.ts';
import type { DeclaredCollections } from './declared-collections.ts';
import { assertKnown } from './known-collection.ts';
import { sightOf } from './sight.ts';

const columns: QueryScope['names']['columns'] = {
  ...recordColumns,
  node: { column: 'node', kind: 'text' },
  agent: { column: 'agent', kind: 'text' },
};

const LISTED = 'node, agent, resource, collection, records.id AS id, version, created_at, updated_at, expires_at, doc';

/** The records of the network at a point in time, as far as its reader may see them. Throws `forbidden`, `collection-not-found`. */
export function networkScope(query: NetworkQuery, view: NetworkView, declared: DeclaredCollections): QueryScope {
  const { nowMs, reader, audience } = view;
  const sight = audience && sightOf(audience, query, declared.all());
  assertKnown(query, view, { declared, agents: all(agentsOf(query, reader)) });
  return {
    from: sql('records JOIN agents ON agents.id = records.agent_id'),
    key: 'records.position',
    ofCollection: query.collection,
    hasTexts: declared.hasTexts,
    names: { columns, ...declared.names(query.collection), ...sight?.names },
    visible: all([visibleTo(query, nowMs, reader), ...(sight?.visible ?? [])]),
    shown: sight?.shown,
    name: reader?.node ?? audience ?? '',
    listed: LISTED,
    // In the order of the index on the key, so that a page without an order of its own needs no sorting.
    tieBreakers: ['collection', 'records.id', 'agent_id', 'resource'],
  };
}

function visibleTo(query: NetworkQuery, nowMs: number, reader: NodeReader | undefined): Sql {
  const conditions: Sql[] = [
    sql('deleted = 0 AND (expires_at IS NULL OR expires_at > ?)', nowMs),
    ...agentsOf(query, reader),
  ];
  if (query.collection !== undefined) conditions.push(sql(`collection = ${named(query.collection)}`));
  if (query.resources !== undefined) conditions.push(oneOf('resource', query.resources));
  return all(conditions);
}

/** What holds of the agents whose records a query asks for and may see. In SQL over `agents`. */
export function agentsOf({ nodes, agents }: NetworkQuery, reader: NodeReader | undefined): Sql[] {
  return [
    ...(reader === undefined ? [] : [readableBy(reader)]),
    ...(nodes === undefined ? [] : [oneOf('node', nodes)]),
    ...(agents === undefined ? [] : [oneOf('agent', agents)]),
  ];
}

/** Whose records a node may read. In SQL over `agents`. */
export function readableBy({ node, sharedAgents }: NodeReader): Sql {
  if (sharedAgents.length === 0) return sql('node = ?', node);
  const isOwnName = sql('agent IN (SELECT own.agent FROM agents AS own WHERE own.node = ?)', node);
  const isShared = sharedAgents.includes('*') ? isOwnName : all([isOwnName, oneOf('agent', sharedAgents)]);
  return any([sql('node = ?', node), isShared]);
}

/** Holds where a column is one of some values. */
export function oneOf(column: string, values: readonly string[]): Sql {
  return sql(`${column} IN (${placeholders(values.length)})`, ...values);
}
