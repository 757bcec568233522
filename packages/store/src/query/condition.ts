import { type Condition, type Json, normalTime, type Operator, type Scalar } from '@holdfast/protocol';

import { BOUND } from './bound.ts';
import type { DocumentField, Field } from './field.ts';
import { MEMBER_CHARACTERS, memberWord } from '../declared/kept-tables.ts';
import { assertComparable } from './declared-type.ts';
import { metadataOperator } from './metadata-condition.ts';
import type { Place } from './place.ts';
import { all, any, concat, not, placeholders, sql, type Sql } from './sql.ts';

/** Compiles what a query asks of one field: comparisons that all hold. Throws `invalid-request`. */
export function compileCondition(name: string, field: Field, condition: Condition): Sql {
  const parts = Object.entries(condition) as [Operator, never][];
  return all(
    parts.map(([operator, value]) => {
      if (field.kind === 'metadata') return metadataOperator({ name, column: field.column }, operator, value);
      assertComparable(name, field.declared, operator, value);
      return documentOperators[operator](field, asWritten(field, value));
    }),
  );
}

// Times are written down in one form, so that they can be compared as texts.
function asWritten(field: DocumentField, operand: never): never {
  if (field.declared?.type !== 'time') return operand;
  return (Array.isArray(operand) ? (operand as readonly Json[]).map(normalOrSame) : normalOrSame(operand)) as never;
}

function normalOrSame(value: Json): Json {
  return typeof value === 'string' ? (normalTime(value) ?? value) : value;
}

const member: Place = { value: sql('item.value'), type: sql('item.type') };

type DocumentOperators = {
  readonly [Name in Operator]: (field: DocumentField, value: NonNullable<Condition[Name]>) => Sql;
};

const documentOperators: DocumentOperators = {
  eq: ({ place }, value) => equals(place, value),
  ne: ({ place }, value) => not(equals(place, value)),
  gt: ({ place }, value) => compare(place, '>', value),
  gte: ({ place }, value) => compare(place, '>=', value),
  lt: ({ place }, value) => compare(place, '<', value),
  lte: ({ place }, value) => compare(place, '<=', value),
  in: ({ place }, values) => isOneOf(place, values),
  nin: ({ place }, values) => not(isOneOf(place, values)),
  exists: ({ path }, value) => sql(`json_type(doc, ?) IS ${value ? 'NOT NULL' : 'NULL'}`, path),
  prefix: ({ place }, value) => all([isBetween(place, value), isText(place, (text) => beginsWith(text, value))]),
  contains: (field, value) =>
    field.declared?.type === 'list' || typeof value !== 'string'
      ? hasMember(field, [value])
      : any([hasMember(field, [value]), isText(field.place, (text) => concat`instr(${text}, ${sql('?', value)}) > 0`)]),
  hasAll: (field, values) =>
    values.length === 0 ? isList(field.path) : all([...new Set(values)].map((value) => hasMember(field, [value]))),
  hasAny: hasMember,
};

function equals(place: Place, value: Scalar): Sql {
  if (value === null) return concat`ifnull(${place.type}, 'null') = 'null'`;
  if (typeof value === 'boolean') return concat`${place.type} = ${sql('?', String(value))}`;
  return compare(place, '=', value);
}

function compare(place: Place, operator: '=' | '>' | '>=' | '<' | '<=', value: string | number): Sql {
  const isRight = sql(`${operator} ${BOUND}`, value);
  return typeof value === 'string'
    ? isText(place, (text) => concat`${text} ${isRight}`)
    : isNumber(place, [value], (number) => concat`${number} ${isRight}`);
}

function isOneOf(place: Place, values: readonly Scalar[]): Sql {
  const texts = values.filter((value) => typeof value === 'string');
  const numbers = values.filter((value) => typeof value === 'number');
  const others = [...new Set(values.filter((value) => typeof value === 'boolean' || value === null))];
  return any([
    ...(texts.length === 0 ? [] : [isText(place, (text) => concat`${text} ${listed(texts)}`)]),
    ...(numbers.length === 0 ? [] : [isNumber(place, numbers, (number) => concat`${number} ${listed(numbers)}`)]),
    ...others.map((value) => equals(place, value)),
  ]);
}

function listed(values: readonly (string | number)[]): Sql {
  return sql(`IN (${placeholders(values.length)})`, ...values);
}

function beginsWith(text: Sql, start: string): Sql {
  return concat`substr(${text}, 1, length(${sql('?', start)})) = ${sql('?', start)}`;
}

// Says no more than what `beginsWith` says, in words an index understands.
function isBetween({ value }: Place, start: string): Sql {
  const end = leastAfter(start);
  const isNotBefore = concat`${value} >= ${sql('?', start)}`;
  return end === undefined ? isNotBefore : all([isNotBefore, concat`${value} < ${sql('?', end)}`]);
}

/** The least text above all that begin with one; undefined if there is none. */
function leastAfter(start: string): string | undefined {
  const characters = Array.from(start);
  const last = characters.pop()?.codePointAt(0);
  if (last === undefined) return undefined;
  if (last === 0x10_ff_ff) return leastAfter(characters.join(''));
  // The code points between are halves of pairs and stand in no text.
  return characters.join('') + String.fromCodePoint(last === 0xd7_ff ? 0xe0_00 : last + 1);
}

// json_extract gives 1 for true and the text of an array: without the type, {"a":1} would match {"a":true}.
function isText(place: Place, holds: (text: Sql) => Sql): Sql {
  return all([holds(place.value), concat`${place.type} = 'text'`]);
}

// SQLite compares an integer with a double exactly, and knows integers beyond 2^53 that JSON's readers take for doubles.
// Nothing of the kind stands next to a safe number, and without the cast an index can be used.
function isNumber(place: Place, operands: readonly number[], holds: (number: Sql) => Sql): Sql {
  const isSafe = operands.every((operand) => Math.abs(operand) < Number.MAX_SAFE_INTEGER);
  const number = isSafe ? place.value : concat`CAST(${place.value} AS REAL)`;
  return all([holds(number), concat`${place.type} IN ('integer', 'real')`]);
}

function isList(path: string): Sql {
  return sql("json_type(doc, ?) = 'array'", path);
}

// Of anything but a list json_each would give the value itself. What the index knows for sure is not looked at again.
function hasMember(field: DocumentField, values: readonly Scalar[]): Sql {
  const indexed = inMemberIndex(field, values);
  if (indexed.length > 0 && values.every(isToldApart)) return all(indexed);
  const isMember = concat`EXISTS (SELECT 1 FROM ${sql('json_each(doc, ?)', field.path)} AS item WHERE ${isOneOf(member, values)})`;
  return all([...indexed, isList(field.path), isMember]);
}

// Says no more than `hasMember` does, in words an index understands. It holds texts and numbers.
function inMemberIndex({ memberIndex }: DocumentField, values: readonly Scalar[]): Sql[] {
  const isHeld = values.every((value) => typeof value === 'string' || isSafeNumber(value));
  if (memberIndex === undefined || !isHeld || values.length === 0) return [];
  const { key, number } = memberIndex;
  const words = concat`SELECT group_concat(${sql(memberWord(String(number)))}, ' OR ')
    FROM json_each(${sql('?', JSON.stringify(values))}) AS item`;
  return [concat`${sql(key)} IN (SELECT rowid FROM members WHERE members MATCH (${words}))`];
}

// The index has the first characters of texts, and numbers with fewer digits than they may have.
function isToldApart(value: Scalar): boolean {
  return typeof value === 'string' && value.length < MEMBER_CHARACTERS;
}

function isSafeNumber(value: Scalar): boolean {
  return typeof value === 'number' && Math.abs(value) < Number.MAX_SAFE_INTEGER;
}
