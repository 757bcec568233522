import { createHash } from 'node:crypto';

import { HoldfastError, type Query } from '@holdfast/protocol';

import { type Field, type MetadataColumns, resolveField } from './field.ts';
import { comparable, inDocument } from './place.ts';
import { all, any, concat, sql, type Sql, type SqlValue } from './sql.ts';

const BEFORE_ALL_TIMES = -1;

/** One key of an order. None of the keys is ever NULL, so that rows can be compared with the last one of a page. */
export interface OrderKey {
  readonly sql: Sql;
  readonly isDescending: boolean;
}

/**
 * The keys a query sorts by. Values of different types stand in the order: missing and null, booleans, numbers, text,
 * then arrays and objects. `tieBreakers` are columns that together tell any two records apart.
 */
export function compileOrder(query: Query, columns: MetadataColumns, tieBreakers: readonly string[]): OrderKey[] {
  const keys = (query.orderBy ?? []).flatMap((entry) =>
    Object.entries(entry).flatMap(([name, direction]) =>
      fieldKeys(resolveField(name, columns)).map((key) => ({ sql: key, isDescending: direction === 'desc' })),
    ),
  );
  return [...keys, ...tieBreakers.map((column) => ({ sql: sql(column), isDescending: false }))];
}

function fieldKeys(field: Field): Sql[] {
  if (field.kind === 'metadata') {
    const { column, kind } = field.column;
    return [sql(`ifnull(${column}, ${kind === 'time' ? BEFORE_ALL_TIMES : "''"})`)];
  }
  const place = inDocument(field.path);
  return [
    concat`CASE ${place.type} WHEN 'false' THEN 1 WHEN 'true' THEN 2 WHEN 'integer' THEN 3 WHEN 'real' THEN 3
      WHEN 'text' THEN 4 WHEN 'array' THEN 5 WHEN 'object' THEN 6 ELSE 0 END`,
    // As a double, which is what a page token holds: an integer beyond 2^53 would not be found again.
    concat`ifnull(${comparable(place)}, 0)`,
  ];
}

/** The condition that a row stands after the last one of the page before. */
export function afterRow(keys: readonly OrderKey[], values: readonly SqlValue[]): Sql {
  const alternatives = keys.map((key, index) => {
    const equalBefore = keys.slice(0, index).map((earlier, at) => bound(earlier.sql, '=', values[at]));
    return all([...equalBefore, bound(key.sql, key.isDescending ? '<' : '>', values[index])]);
  });
  return any(alternatives);
}

function bound(expression: Sql, operator: '=' | '<' | '>', value: SqlValue | undefined): Sql {
  return sql(`${expression.text} ${operator} ?`, ...expression.params, value ?? null);
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
  const isSound = values.every((value) => typeof value === 'string' || typeof value === 'number');
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
