import { concat, sql, type Sql } from './sql.ts';

/** Where a JSON value stands: its value as SQLite has it, and the name SQLite has for its type. */
export interface Place {
  readonly value: Sql;
  readonly type: Sql;
}

/** A path of the document. */
export function inDocument(path: string): Place {
  return { value: sql('json_extract(doc, ?)', path), type: sql('json_type(doc, ?)', path) };
}

/** A number as a double, a text as it is; NULL for anything else. */
export function comparable({ value, type }: Place): Sql {
  return concat`CASE ${type} WHEN 'integer' THEN CAST(${value} AS REAL) WHEN 'real' THEN ${value} WHEN 'text' THEN ${value} END`;
}
