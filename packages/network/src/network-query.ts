import { DECLARATIONS, type NetworkQuery, SHARED_AGENT } from '@holdfast/protocol';
import { all, any, named, type QueryScope, recordColumns, sql, type Sql } from '@holdfast/store';

import type { NetworkView, NodeReader } from './network-view.ts';
import type { DeclaredCollections } from './declared-collections.ts';
import { assertKnown } from './known-collection.ts';
import { byAgents, oneOf } from './record-scope.ts';
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
  const visible = [...(reader === undefined ? [] : [readableBy(reader)]), ...(sight?.visible ?? [])];
  const scope = scopeOver(query, { nowMs, declared, visible, name: reader?.node ?? audience ?? '' });
  return { ...scope, names: { ...scope.names, ...sight?.names }, shown: sight?.shown };
}

/** What is asked, beside a query, of the records of many agents. */
export interface RecordsView {
  /** What has expired by then is not seen. */
  readonly nowMs: number;
  readonly declared: DeclaredCollections;
  /** What else holds of every record that may be seen. In SQL over `records` and `agents`. */
  readonly visible: readonly Sql[];
  /** See `QueryScope`. */
  readonly name: string;
}

/** The records of many agents at a point in time, whoever may see them. */
export function scopeOver(query: NetworkQuery, { nowMs, declared, visible, name }: RecordsView): QueryScope {
  return {
    from: sql('records JOIN agents ON agents.id = records.agent_id'),
    key: 'records.position',
    ofCollection: query.collection,
    hasTexts: declared.hasTexts,
    names: { columns, ...declared.names(query.collection) },
    visible: all([...conditionsOf(query, nowMs), ...visible]),
    name,
    listed: LISTED,
    // In the order of the index on the key, so that a page without an order of its own needs no sorting.
    tieBreakers: ['collection', 'records.id', 'agent_id', 'resource'],
  };
}

function conditionsOf(query: NetworkQuery, nowMs: number): Sql[] {
  const conditions: Sql[] = [sql('deleted = 0 AND (expires_at IS NULL OR expires_at > ?)', nowMs), ...byAgents(query)];
  if (query.collection !== undefined) conditions.push(sql(`collection = ${named(query.collection)}`));
  if (query.resources !== undefined) conditions.push(oneOf('resource', query.resources));
  return conditions;
}

/**
 * What holds of the agents whose records a query asks for and may see: those that may have some of its collection, if it names one. In
 * SQL over `agents`.
 */
export function agentsOf(query: NetworkQuery, reader: NodeReader | undefined): Sql[] {
  return [...(reader === undefined ? [] : [heardBy(reader, query.collection)]), ...byAgents(query)];
}

function heardBy(reader: NodeReader, collection: string | undefined): Sql {
  const { sharedCollections } = reader;
  const isOpen = collection === undefined ? sharedCollections.length > 0 : opens(sharedCollections, collection);
  return isOpen ? notOfAll : readableAgents(reader);
}

/** Whether a list of shared collections has one. */
export function opens(sharedCollections: readonly string[], collection: string): boolean {
  return sharedCollections.includes('*') || sharedCollections.includes(collection);
}

/** What all nodes share is in a file of every node, and no part of what it reads of others. */
const notOfAll: Sql = sql('agent <> ?', SHARED_AGENT);

/** Which records a node may read. In SQL over `agents` and a table of records; `records`: its name there. */
export function readableBy(reader: NodeReader, records = 'records'): Sql {
  return any([readableAgents(reader), ...openRecords(reader.sharedCollections, records)]);
}

function openRecords(sharedCollections: readonly string[], records: string): Sql[] {
  if (sharedCollections.length === 0) return [];
  if (sharedCollections.includes('*')) return [notOfAll];
  // What is declared of them belongs to them.
  const declared = all([sql(`collection = '${DECLARATIONS}'`), oneOf(`${records}.id`, sharedCollections)]);
  return [all([any([oneOf('collection', sharedCollections), declared]), notOfAll])];
}

/** The agents of which a node may read everything. In SQL over `agents`. */
export function readableAgents({ node, agent, sharedAgents }: NodeReader): Sql {
  const ofAgent = agent === undefined ? [] : [sql('agent = ?', agent)];
  if (sharedAgents.length === 0) return all([sql('node = ?', node), ...ofAgent]);
  return all([any([sql('node = ?', node), all([ownNames(node), ...namedIn(sharedAgents)])]), ...ofAgent]);
}

function ownNames(node: string): Sql {
  return sql('agent IN (SELECT own.agent FROM agents AS own WHERE own.node = ?)', node);
}

function namedIn(sharedAgents: readonly string[]): Sql[] {
  return sharedAgents.includes('*') ? [] : [oneOf('agent', sharedAgents)];
}

/** A node's own agents whose names mean the same agent on every node. In SQL over `agents`. */
export function sharedNamesOf({ node, sharedAgents }: NodeReader): Sql {
  return all([sql('node = ?', node), ...(sharedAgents.length === 0 ? [sql('0')] : namedIn(sharedAgents))]);
}
