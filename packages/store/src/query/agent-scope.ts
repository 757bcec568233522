import type { Declarations } from '../declared/declarations.ts';
import type { QueryScope } from './compile.ts';
import { BOUND } from './bound.ts';
import { recordColumns } from './field.ts';
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
      columns: recordColumns,
      collection: declarations.find(collection),
      memberIndexes: declarations.upkeep.memberIndexes(collection),
    },
    visible: sql(
      `collection = ${named(collection)} AND resource = ${BOUND} AND deleted = 0 AND (expires_at IS NULL OR expires_at > ?)`,
      resource,
      nowMs,
    ),
    listed: 'resource, collection, id, version, created_at, updated_at, expires_at, doc',
    tieBreakers: ['id'],
  };
}
