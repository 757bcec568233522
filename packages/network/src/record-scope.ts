import { DECLARATIONS, NO_RESOURCE } from '@holdfast/protocol';
import { all, any, placeholders, sql, type Sql } from '@holdfast/store';

/** Which records, by where they stand and who wrote them. */
export interface RecordScope {
  /** Undefined: of all. The same goes for the three below. */
  readonly collections?: readonly string[] | undefined;
  readonly nodes?: readonly string[] | undefined;
  readonly agents?: readonly string[] | undefined;
  readonly resources?: readonly string[] | undefined;
}

/** Holds for the records of a scope. In SQL over `agents` and a table of records. */
export function ofScope(scope: RecordScope): Sql {
  const { collections, resources } = scope;
  return all([
    ...(collections === undefined ? [] : [oneOf('collection', collections)]),
    ...(resources === undefined ? [] : [oneOf('resource', resources)]),
    ...byAgents(scope),
  ]);
}

/**
 * The same, and for what those agents declared of the scope's collections, without which queries would not know their fields. `records`: the
 * table's name there.
 */
export function withDeclarations(scope: RecordScope, records = 'records'): Sql {
  const { collections } = scope;
  const declarations = all([
    sql('collection = ? AND resource = ?', DECLARATIONS, NO_RESOURCE),
    ...(collections === undefined ? [] : [oneOf(`${records}.id`, collections)]),
    ...byAgents(scope),
  ]);
  return any([ofScope(scope), declarations]);
}

/** What holds of the agents of a scope. In SQL over `agents`. */
export function byAgents({ nodes, agents }: Pick<RecordScope, 'nodes' | 'agents'>): Sql[] {
  return [
    ...(nodes === undefined ? [] : [oneOf('node', nodes)]),
    ...(agents === undefined ? [] : [oneOf('agent', agents)]),
  ];
}

/** Holds where a column is one of some values. */
export function oneOf(column: string, values: readonly string[]): Sql {
  return sql(`${column} IN (${placeholders(values.length)})`, ...values);
}
