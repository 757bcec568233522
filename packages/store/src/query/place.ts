import { concat, sql, type Sql } from './sql.ts';

/** Where a JSON value stands: its value as SQLite has it, and the name SQLite has for its type. */
export interface Place {
  readonly value: Sql;
  readonly type: Sql;
}

/** A path that may stand in SQL as it is: identifiers only, as a declaration has them. */
const PLAIN_PATH = /^\$(?:\."[A-Za-z][A-Za-z0-9_]*")+$/;

/**
 * A path of the document. `isIndexed`: written out as the index over it has it, which only a declared path may be; every
 * other one is bound as a value.
 */
export function inDocument(path: string, isIndexed = false): Place {
  const type = sql('json_type(doc, ?)', path);
  return { value: isIndexed ? sql(indexedValue(path)) : sql('json_extract(doc, ?)', path), type };
}

/** A declared path's value, in the words of the indexes over it; `table`: of whose document. Throws on any other path. */
export function indexedValue(path: string, table?: string): string {
  if (!PLAIN_PATH.test(path)) throw new Error('a path that is no list of identifiers cannot become SQL');
  return `json_extract(${table === undefined ? '' : `${table}.`}doc, '${path}')`;
}

/** A number as a double, a text as it is; NULL for anything else. */
export function comparable({ value, type }: Place): Sql {
  return concat`CASE ${type} WHEN 'integer' THEN CAST(${value} AS REAL) WHEN 'real' THEN ${value} WHEN 'text' THEN ${value} END`;
}
