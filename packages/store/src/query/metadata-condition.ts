import type { Operator, Scalar } from '@holdfast/protocol';

import { invalid, type MetadataColumn } from './field.ts';
import { any, not, placeholders, sql, type Sql } from './sql.ts';

/** A field of the record itself, and what a query called it. */
interface NamedColumn {
  readonly name: string;
  readonly column: MetadataColumn;
}

type Operand = Scalar | readonly Scalar[];

/** Compiles one comparison of a field of the record itself. Throws `invalid-request`. */
export function metadataOperator(field: NamedColumn, operator: Operator, operand: Operand): Sql {
  return operators[operator](field, operand);
}

const operators: Readonly<Record<Operator, (field: NamedColumn, operand: Operand) => Sql>> = {
  eq: comparison('IS'),
  ne: comparison('IS NOT'),
  gt: comparison('>'),
  gte: comparison('>='),
  lt: comparison('<'),
  lte: comparison('<='),
  in: isOneOf,
  nin: (field, values) => not(isOneOf(field, values)),
  exists: ({ column: { column } }, isThere) => sql(`${column} IS ${isThere === true ? 'NOT NULL' : 'NULL'}`),
  prefix: (field, text) => sql(`substr(${textColumn(field)}, 1, length(?)) = ?`, String(text), String(text)),
  contains: (field, text) => sql(`instr(${textColumn(field)}, ?) > 0`, bound(field, text as Scalar)),
  hasAll: isNoList,
  hasAny: isNoList,
};

function comparison(operator: string): (field: NamedColumn, operand: Operand) => Sql {
  return (field, operand) => sql(`${field.column.column} ${operator} ?`, bound(field, operand as Scalar));
}

function isOneOf(field: NamedColumn, operand: Operand): Sql {
  const { column } = field.column;
  const values = (operand as readonly Scalar[]).map((one) => bound(field, one));
  const present = values.filter((one) => one !== null);
  const isPresent = sql(`${column} IN (${placeholders(present.length)})`, ...present);
  return values.length === present.length ? isPresent : any([isPresent, sql(`${column} IS NULL`)]);
}

function textColumn({ name, column }: NamedColumn): string {
  if (column.kind !== 'text') throw invalid(name, 'is a time: compare it with gt, gte, lt, lte');
  return column.column;
}

function isNoList({ name }: NamedColumn): never {
  throw invalid(name, 'is no list');
}

function bound({ name, column }: NamedColumn, value: Scalar): string | number | null {
  if (value === null) return null;
  if (typeof value !== 'string') throw invalid(name, 'compare it with a string');
  if (column.kind === 'text') return value;
  const ms = Date.parse(value);
  if (Number.isNaN(ms)) throw invalid(name, 'compare it with a time such as "2026-11-20T10:54:56.123Z"');
  return ms;
}
