import type { Database } from '@holdfast/sqlite';

import { BOUND } from './bound.ts';
import { jsonPath } from './field.ts';
import { indexedValue } from './place.ts';
import { prepared } from './prepared.ts';
import { named } from './sql.ts';

/** A collection with indexes, as it is declared. */
interface Indexed {
  readonly name: string;
  readonly indexes: readonly (readonly string[])[];
}

/** Part of a declared index: records that are equal in its first fields, in the order of the field after them and then by id. */
export interface WalkShape {
  /** The fields of the index, all of them, as declared. */
  readonly index: readonly string[];
  /** Of how many of its first fields a value is given. */
  readonly equal: number;
  /** Of the field after them: no more than a value that is given, or only the greatest there is. Default: any. */
  readonly next?: 'at-most' | 'greatest';
  /** A list that must have one of the texts that are given, as JSON, after all else. Default: none. */
  readonly listed?: string;
}

/** A walk that can be gone again and again. */
export interface IndexWalk {
  readonly text: string;
  /** How often the statement wants its values. */
  readonly times: 1 | 2;
}

/** A record that was met on a walk. */
export interface WalkedRecord {
  readonly id: string;
  /** Its document's text. */
  readonly text: string;
}

/**
 * Makes a walk along an index over declared fields: what a query does in general, this does for one kind of question, at a fraction
 * of its cost. Throws for an index that is not declared.
 */
export function indexWalk({ name, indexes }: Indexed, { index, equal, next, listed }: WalkShape): IndexWalk {
  if (!indexes.some((paths) => paths.join() === index.join()))
    throw new Error(`"${name}" has no index ${index.join()}`);
  const columns = index.map((path) => indexedValue(jsonPath(path)));
  const [following, ...further] = [...columns.slice(equal), 'id'];
  const conditions = columns.slice(0, equal).map((column) => `${column} = ${BOUND}`);
  if (next === 'at-most') conditions.push(`${following} <= ${BOUND}`);
  if (listed !== undefined) conditions.push(hasOneOf(listed));
  const from = `FROM records
    WHERE collection = ${named(name)} AND deleted = 0 AND resource = ${BOUND} AND (expires_at IS NULL OR expires_at > ?)
    AND ${conditions.join(' AND ')}`;
  if (next !== 'greatest') {
    const text = `SELECT id, doc AS text ${from} ORDER BY ${[following, ...further].join(', ')} LIMIT ${BOUND}`;
    return { text, times: 1 };
  }
  // Ordered by what is equal in all of them as well, SQLite would sort them.
  const greatest = `SELECT ${following} ${from} ORDER BY ${following} DESC LIMIT 1`;
  const text = `SELECT id, doc AS text ${from} AND ${following} = (${greatest}) ORDER BY ${further.join(', ')} LIMIT ${BOUND}`;
  return { text, times: 2 };
}

/** Goes a walk, for at most so many records. `values`: what the walk's shape says is given, in that order. */
export function walkIndex(
  database: Database,
  { resource, nowMs }: { readonly resource: string; readonly nowMs: number },
  { text, times }: IndexWalk,
  { values, limit }: { readonly values: readonly (string | number)[]; readonly limit: number },
): WalkedRecord[] {
  const given = [resource, nowMs, ...values];
  const bound = times === 1 ? given : [...given, ...given];
  return prepared(database, text).all(...bound, limit) as WalkedRecord[];
}

function hasOneOf(path: string): string {
  const list = `json_each(${indexedValue(jsonPath(path))})`;
  return `EXISTS (SELECT 1 FROM ${list} AS item WHERE item.value IN (SELECT value FROM json_each(?)))`;
}
