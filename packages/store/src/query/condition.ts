import type { Condition, Operator, Scalar } from '@holdfast/protocol';

import type { Field } from './field.ts';
import { metadataOperator } from './metadata-condition.ts';
import { inDocument, type Place } from './place.ts';
import { all, any, concat, not, placeholders, sql, type Sql } from './sql.ts';

/** Compiles what a query asks of one field: comparisons that all hold. Throws `invalid-request`. */
export function compileCondition(name: string, field: Field, condition: Condition): Sql {
  const parts = Object.entries(condition) as [Operator, never][];
  return all(
    parts.map(([operator, value]) =>
      field.kind === 'document'
        ? documentOperators[operator](field.path, value)
        : metadataOperator({ name, column: field.column }, operator, value),
    ),
  );
}

const member: Place = { value: sql('item.value'), type: sql('item.type') };

type DocumentOperators = { readonly [Name in Operator]: (path: string, value: NonNullable<Condition[Name]>) => Sql };

const documentOperators: DocumentOperators = {
  eq: (path, value) => equals(inDocument(path), value),
  ne: (path, value) => not(equals(inDocument(path), value)),
  gt: (path, value) => compare(inDocument(path), '>', value),
  gte: (path, value) => compare(inDocument(path), '>=', value),
  lt: (path, value) => compare(inDocument(path), '<', value),
  lte: (path, value) => compare(inDocument(path), '<=', value),
  in: (path, values) => isOneOf(inDocument(path), values),
  nin: (path, values) => not(isOneOf(inDocument(path), values)),
  exists: (path, value) => sql(`json_type(doc, ?) IS ${value ? 'NOT NULL' : 'NULL'}`, path),
  prefix: (path, value) =>
    isText(inDocument(path), (text) => concat`substr(${text}, 1, length(${sql('?', value)})) = ${sql('?', value)}`),
  contains: (path, value) =>
    any([
      hasMember(path, [value]),
      ...(typeof value === 'string'
        ? [isText(inDocument(path), (text) => concat`instr(${text}, ${sql('?', value)}) > 0`)]
        : []),
    ]),
  hasAll: (path, values) => all([isList(path), ...[...new Set(values)].map((value) => hasMember(path, [value]))]),
  hasAny: hasMember,
};

function equals(place: Place, value: Scalar): Sql {
  if (value === null) return concat`ifnull(${place.type}, 'null') = 'null'`;
  if (typeof value === 'boolean') return concat`${place.type} = ${sql('?', String(value))}`;
  return compare(place, '=', value);
}

function compare(place: Place, operator: '=' | '>' | '>=' | '<' | '<=', value: string | number): Sql {
  const isRight = sql(`${operator} ?`, value);
  return typeof value === 'string'
    ? isText(place, (text) => concat`${text} ${isRight}`)
    : isNumber(place, (number) => concat`${number} ${isRight}`);
}

function isOneOf(place: Place, values: readonly Scalar[]): Sql {
  const texts = values.filter((value) => typeof value === 'string');
  const numbers = values.filter((value) => typeof value === 'number');
  const others = [...new Set(values.filter((value) => typeof value === 'boolean' || value === null))];
  return any([
    ...(texts.length === 0 ? [] : [isText(place, (text) => concat`${text} ${listed(texts)}`)]),
    ...(numbers.length === 0 ? [] : [isNumber(place, (number) => concat`${number} ${listed(numbers)}`)]),
    ...others.map((value) => equals(place, value)),
  ]);
}

function listed(values: readonly (string | number)[]): Sql {
  return sql(`IN (${placeholders(values.length)})`, ...values);
}

// json_extract gives 1 for true and the text of an array: without the type, {"a":1} would match {"a":true}.
function isText(place: Place, holds: (text: Sql) => Sql): Sql {
  return all([holds(place.value), concat`${place.type} = 'text'`]);
}

// SQLite compares an integer with a double exactly, and knows integers beyond 2^53 that JSON's readers take for doubles.
function isNumber(place: Place, holds: (number: Sql) => Sql): Sql {
  return all([holds(concat`CAST(${place.value} AS REAL)`), concat`${place.type} IN ('integer', 'real')`]);
}

function isList(path: string): Sql {
  return sql("json_type(doc, ?) = 'array'", path);
}

// Of anything but a list json_each would give the value itself.
function hasMember(path: string, values: readonly Scalar[]): Sql {
  const isMember = concat`EXISTS (SELECT 1 FROM ${sql('json_each(doc, ?)', path)} AS item WHERE ${isOneOf(member, values)})`;
  return all([isList(path), isMember]);
}
