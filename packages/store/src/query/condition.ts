import type { Condition, Operator, Scalar } from '@holdfast/protocol';

import { type Field, invalid, type MetadataColumn } from './field.ts';
import { all, any, placeholders, sql, type Sql } from './sql.ts';

/** Compiles what a query asks of one field: a value, or comparisons that all hold. */
export function compileCondition(name: string, field: Field, wanted: Scalar | Condition): Sql {
  const condition: Condition = isCondition(wanted) ? wanted : { eq: wanted };
  const parts = Object.entries(condition) as [Operator, never][];
  return all(
    parts.map(([operator, value]) =>
      field.kind === 'document'
        ? documentOperators[operator](field.path, value)
        : metadataOperator(name, field.column, operator, value),
    ),
  );
}

function isCondition(wanted: Scalar | Condition): wanted is Condition {
  return typeof wanted === 'object' && wanted !== null;
}

type DocumentOperators = { readonly [Name in Operator]: (path: string, value: NonNullable<Condition[Name]>) => Sql };

const documentOperators: DocumentOperators = {
  eq: equals,
  ne: (path, value) => not(equals(path, value)),
  gt: (path, value) => compare(path, '>', value),
  gte: (path, value) => compare(path, '>=', value),
  lt: (path, value) => compare(path, '<', value),
  lte: (path, value) => compare(path, '<=', value),
  in: isIn,
  exists: (path, value) => sql(`json_type(doc, ?) IS ${value ? 'NOT NULL' : 'NULL'}`, path),
};

function equals(path: string, value: Scalar): Sql {
  if (value === null) return sql("ifnull(json_type(doc, ?), 'null') = 'null'", path);
  if (typeof value === 'boolean') return sql('json_type(doc, ?) = ?', path, String(value));
  return compare(path, '=', value);
}

function compare(path: string, operator: '=' | '>' | '>=' | '<' | '<=', value: string | number): Sql {
  return all([sql(`${comparable(value)} ${operator} ?`, path, value), hasTypeOf(path, value)]);
}

function isIn(path: string, values: readonly Scalar[]): Sql {
  const texts = values.filter((value) => typeof value === 'string');
  const numbers = values.filter((value) => typeof value === 'number');
  const others = [...new Set(values.filter((value) => typeof value === 'boolean' || value === null))];
  return any([
    ...[texts, numbers]
      .filter((list) => list.length > 0)
      .map((list) =>
        all([
          sql(`${comparable(list[0] as string | number)} IN (${placeholders(list.length)})`, path, ...list),
          hasTypeOf(path, list[0] as string | number),
        ]),
      ),
    ...others.map((value) => equals(path, value)),
  ]);
}

// SQLite compares an integer with a double exactly, and knows integers beyond 2^53 that JSON's readers take for doubles.
function comparable(value: string | number): string {
  return typeof value === 'string' ? 'json_extract(doc, ?)' : 'CAST(json_extract(doc, ?) AS REAL)';
}

// json_extract gives 1 for true and the text of an array: without the type, {"a":1} would match {"a":true}.
function hasTypeOf(path: string, value: string | number): Sql {
  return typeof value === 'string'
    ? sql("json_type(doc, ?) = 'text'", path)
    : sql("json_type(doc, ?) IN ('integer', 'real')", path);
}

const comparisons = { eq: 'IS', ne: 'IS NOT', gt: '>', gte: '>=', lt: '<', lte: '<=' } as const;

function metadataOperator(name: string, column: MetadataColumn, operator: Operator, value: Scalar | Scalar[]): Sql {
  const bind = (one: Scalar): string | number | null => metadataValue(name, column, one);
  if (operator === 'exists') return sql(`${column.column} IS ${value === true ? 'NOT NULL' : 'NULL'}`);
  if (operator === 'in') {
    const values = (value as Scalar[]).map(bind);
    const present = values.filter((one) => one !== null);
    const isPresent = sql(`${column.column} IN (${placeholders(present.length)})`, ...present);
    return values.length === present.length ? isPresent : any([isPresent, sql(`${column.column} IS NULL`)]);
  }
  return sql(`${column.column} ${comparisons[operator]} ?`, bind(value as Scalar));
}

function metadataValue(name: string, column: MetadataColumn, value: Scalar): string | number | null {
  if (value === null) return null;
  if (typeof value !== 'string') throw invalid(name, 'compare it with a string');
  if (column.kind === 'text') return value;
  const ms = Date.parse(value);
  if (Number.isNaN(ms)) throw invalid(name, 'compare it with a time such as "2026-11-20T10:54:56.123Z"');
  return ms;
}

function not(condition: Sql): Sql {
  return { text: `(${condition.text}) IS NOT TRUE`, params: condition.params };
}
