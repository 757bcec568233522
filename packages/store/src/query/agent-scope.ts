import type { Declarations } from '../declared/declarations.ts';
import type { QueryScope } from './compile.ts';
import { named, sql } from './sql.ts';

/** Whose records of an agent's file a query is about. */
export interface AgentPlace {
  readonly resource: string;
  readonly collection: string;
}

/** What a query of an agent's file may see: the live records of one collection and resource. */
export function agentScope(
  { resource, collection }: AgentPlace,
  declarations: Declarations,
  nowMs: number,
): QueryScope {
  return {
    name: JSON.stringify([resource, collection]),
    from: sql('records'),
    key: 'records.seq',
    ofCollection: collection,
    hasTexts: declarations.upkeep.hasTexts,
    names: {
      columns,
      collection: declarations.find(collection),
      memberIndexes: declarations.upkeep.memberIndexes(collection),
    },
    visible: sql(
      `collection = ${named(collection)} AND resource = ? AND deleted = 0 AND (expires_at IS NULL OR expires_at > ?)`,
      resource,
      nowMs,
    ),
    listed: 'resource, collection, id, version, created_at, updated_at, expires_at, doc',
    tieBreakers: ['id'],
  };
}

const columns = {
  id: { column: 'id', kind: 'text' },
  version: { column: 'version', kind: 'text' },
  resource: { column: 'resource', kind: 'text' },
  created_at: { column: 'created_at', kind: 'time' },
  updated_at: { column: 'updated_at', kind: 'time' },
  expires_at: { column: 'expires_at', kind: 'time' },
} as const;
