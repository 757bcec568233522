import { limits } from '../../limits.ts';
import type { Condition, Scalar } from '../condition.ts';
import type { Filter } from '../filter.ts';
import type { TextCursor } from './cursor.ts';

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?$/i;

const constants = new Map<string, Scalar>([
  ['true', true],
  ['false', false],
  ['null', null],
]);

const signs = { '=': 'eq', '!=': 'ne', '>': 'gt', '>=': 'gte', '<': 'lt', '<=': 'lte' } as const;

/** Reads a filter: comparisons put together by `and`, `or`, `not` and brackets. Throws `invalid-request`. */
export function readFilter(cursor: TextCursor, depth = 0): Filter {
  // Brackets alone make no depth in what comes out, and must not fill the stack.
  if (depth > 2 * limits.queryDepth) throw cursor.expected('fewer brackets');
  const alternatives = [readAll(cursor, depth)];
  while (cursor.takes('or')) alternatives.push(readAll(cursor, depth));
  const [only, second] = alternatives;
  return only !== undefined && second === undefined ? only : { or: alternatives };
}

function readAll(cursor: TextCursor, depth: number): Filter {
  const filters = [readOne(cursor, depth)];
  while (cursor.takes('and')) filters.push(readOne(cursor, depth));
  return together(filters);
}

function readOne(cursor: TextCursor, depth: number): Filter {
  if (cursor.takes('not')) return { not: [readOne(cursor, depth + 1)] };
  if (!cursor.takes('(')) return { [readField(cursor)]: readCondition(cursor) };
  const inner = readFilter(cursor, depth + 1);
  cursor.require(')');
  return inner;
}

/** One filter of several that all hold: flat, where no name stands in two of them. */
function together(filters: readonly Filter[]): Filter {
  const names = filters.flatMap((filter) => Object.keys(filter));
  return new Set(names).size === names.length
    ? filters.reduce((all, filter) => ({ ...all, ...filter }))
    : { and: filters };
}

/** Reads a field's name. Throws `invalid-request`. */
export function readField(cursor: TextCursor): string {
  const { kind } = cursor.peek();
  if (kind !== 'word' && kind !== 'field') throw cursor.expected('a field');
  return cursor.take().text;
}

function readCondition(cursor: TextCursor): Scalar | Condition {
  const sign = cursor.takesOneOf(Object.keys(signs) as (keyof typeof signs)[]);
  if (sign !== undefined) return readComparison(cursor, sign);
  for (const [words, read] of phrases) if (cursor.takes(...words.split(' '))) return read(cursor);
  const words = phrases.map(([phrase]) => phrase);
  throw cursor.expected(
    `a comparison (${Object.keys(signs).join(' ')}, ${words.join(', ')})`,
    words.map((phrase) => phrase.split(' ', 1)[0] ?? phrase),
  );
}

function readComparison(cursor: TextCursor, sign: keyof typeof signs): Scalar | Condition {
  const operator = signs[sign];
  if (operator === 'eq') return readValue(cursor);
  if (operator === 'ne') return { ne: readValue(cursor) };
  const value = readValue(cursor);
  if (typeof value === 'boolean' || value === null) throw cursor.expected('a number or a text before this');
  return { [operator]: value };
}

// Longer ones first: the first that fits is taken.
const phrases: readonly (readonly [words: string, read: (cursor: TextCursor) => Scalar | Condition])[] = [
  ['is not null', () => ({ ne: null })],
  ['is null', () => null],
  ['is missing', () => ({ exists: false })],
  ['exists', () => ({ exists: true })],
  ['not in', (cursor) => ({ nin: readValues(cursor) })],
  ['in', (cursor) => ({ in: readValues(cursor) })],
  ['has all', (cursor) => ({ hasAll: readValues(cursor) })],
  ['has any', (cursor) => ({ hasAny: readValues(cursor) })],
  ['has', (cursor) => ({ hasAll: [readValue(cursor)] })],
  ['begins with', (cursor) => ({ prefix: readText(cursor) })],
  ['contains', (cursor) => ({ contains: readValue(cursor) })],
];

function readValues(cursor: TextCursor): Scalar[] {
  cursor.require('(');
  const values = cursor.list(() => readValue(cursor));
  cursor.require(')');
  return values;
}

function readText(cursor: TextCursor): string {
  const { kind } = cursor.peek();
  if (kind !== 'word' && kind !== 'quoted') throw cursor.expected('a text');
  return cursor.take().text;
}

function readValue(cursor: TextCursor): Scalar {
  const { kind, text } = cursor.peek();
  if (kind !== 'word') return readText(cursor);
  cursor.take();
  const constant = constants.get(text.toLowerCase());
  if (constant !== undefined) return constant;
  return NUMBER.test(text) ? Number(text) : text;
}
