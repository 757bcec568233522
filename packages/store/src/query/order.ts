import { createHash } from 'node:crypto';

import { type FieldDeclaration, HoldfastError, type Query, writtenDigits } from '@holdfast/protocol';

import { type Field, type Names, resolveField } from './field.ts';
import { comparable } from './place.ts';
import { all, any, concat, sql, type Sql, type SqlValue } from './sql.ts';

const BEFORE_ALL_TIMES = -1;

/** One key of an order. */
export interface OrderKey {
  readonly sql: Sql;
  readonly isDescending: boolean;
  /** Whether it is a value of the document as it stands, integers beyond 2^53 among them. */
  readonly isStored?: boolean;
}

/**
 * The keys a query sorts by. Values of different types stand in the order: missing and null, booleans, numbers, text,
 * then arrays and objects. A declared field has one type, and values of another that stand there all the same are where
 * SQLite puts them. `tieBreakers` are columns that together tell any two records apart.
 */
export function compileOrder(
  query: Query,
  { names, tieBreakers }: { readonly names: Names; readonly tieBreakers: readonly string[] },
): OrderKey[] {
  const keys = (query.orderBy ?? []).flatMap((entry) =>
    Object.entries(entry).flatMap(([name, direction]) =>
      fieldKeys(resolveField(name, names)).map((key) => ({ ...key, isDescending: direction === 'desc' })),
    ),
  );
  const named = new Set((query.orderBy ?? []).flatMap((entry) => Object.keys(entry)));
  const ties = tieBreakers.filter((column) => !named.has(column));
  return [...keys, ...ties.map((column) => ({ sql: sql(column), isDescending: false }))];
}

function fieldKeys(field: Field): Omit<OrderKey, 'isDescending'>[] {
  if (field.kind === 'metadata') {
    const { column, kind } = field.column;
    // Only a time may be missing; and a column alone is as an index has it.
    return [{ sql: sql(kind === 'time' ? `ifnull(${column}, ${BEFORE_ALL_TIMES})` : column) }];
  }
  const { place, declared } = field;
  // The value alone, as an index over it has it.
  if (declared !== undefined && ofOneType.has(declared.type)) return [{ sql: place.value, isStored: true }];
  const rank = concat`CASE ${place.type} WHEN 'false' THEN 1 WHEN 'true' THEN 2 WHEN 'integer' THEN 3 WHEN 'real' THEN 3
      WHEN 'text' THEN 4 WHEN 'array' THEN 5 WHEN 'object' THEN 6 ELSE 0 END`;
  // As a double, which is what a page token holds: an integer beyond 2^53 would not be found again.
  return [{ sql: rank }, { sql: concat`ifnull(${comparable(place)}, 0)` }];
}

const ofOneType: ReadonlySet<FieldDeclaration['type']> = new Set(['text', 'time', 'number', 'integer']);

/** The condition that a row stands after the last one of the page before. */
export function afterRow(keys: readonly OrderKey[], values: readonly SqlValue[]): Sql {
  const alternatives = keys.map((key, index) => {
    const equalBefore = keys.slice(0, index).map((earlier, at) => equals(earlier, values[at] ?? null));
    return all([...equalBefore, isBehind(key, values[index] ?? null)]);
  });
  return all([...notBefore(keys[0], values[0] ?? null), any(alternatives)]);
}

// Says no more than the alternatives do, in words an index understands.
function notBefore(key: OrderKey | undefined, value: SqlValue): Sql[] {
  if (key === undefined || value === null || key.isDescending) return [];
  return [concat`${key.sql} >= ${bound(key, value)}`];
}

function equals(key: OrderKey, value: SqlValue): Sql {
  return value === null ? concat`${key.sql} IS NULL` : concat`${key.sql} = ${bound(key, value)}`;
}

// NULL stands below everything.
function isBehind(key: OrderKey, value: SqlValue): Sql {
  if (value === null) return key.isDescending ? sql('0') : concat`${key.sql} IS NOT NULL`;
  if (!key.isDescending) return concat`${key.sql} > ${bound(key, value)}`;
  return any([concat`${key.sql} < ${bound(key, value)}`, concat`${key.sql} IS NULL`]);
}

// What is written down with more digits than a double holds is read back as an integer: only that one is equal to it.
function bound({ isStored = false }: OrderKey, value: SqlValue): Sql {
  const isWide = typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value);
  if (!isStored || !isWide || Math.abs(value) >= 2 ** 63) return sql('?', value);
  return sql('CAST(? AS INTEGER)', writtenDigits(value));
}

/**
 * A page token: the last row's keys, tied to the query they belong to. Opaque to callers, and no secret: it holds only
 * values the caller was answered with.
 */
export function encodePageToken(fingerprint: string, values: readonly SqlValue[]): string {
  return Buffer.from(JSON.stringify([fingerprint, ...values])).toString('base64url');
}

/** The keys inside a page token. Throws `invalid-request` for a token of another query or of nobody. */
export function decodePageToken(token: string, fingerprint: string, keyCount: number): SqlValue[] {
  const [owner, ...values] = parseToken(token);
  const isSound = values.every((value) => value === null || typeof value === 'string' || typeof value === 'number');
  if (owner !== fingerprint || values.length !== keyCount || !isSound) {
    const message = 'not a page token of this query';
    throw new HoldfastError('invalid-request', `after: ${message}`, { issues: [{ path: 'after', message }] });
  }
  return values;
}

function parseToken(token: string): unknown[] {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
    return Array.isArray(parsed) ? parsed : [];
  } catch {
    return [];
  }
}

/** What a page token is tied to: everything of a query but the page itself. */
export function queryFingerprint(query: Query, scopeName: string): string {
  const { after: _after, limit: _limit, ...rest } = query;
  return createHash('sha256')
    .update(JSON.stringify([rest, scopeName]))
    .digest('base64url')
    .slice(0, 12);
}
