import type { Collection } from '@holdfast/protocol';
import type { Database } from '@holdfast/sqlite';

import { jsonPath } from './field.ts';
import { BOUND } from './bound.ts';
import { indexedValue } from './place.ts';
import { prepared } from './prepared.ts';

/** Part of a declared index: records with the same first values, in the order of the field after them and then by id. */
export interface IndexWalk {
  /** The fields of the index, all of them, as declared. */
  readonly index: readonly string[];
  /** Values of its first fields. */
  readonly equal: readonly (string | number)[];
  /** The greatest value of the field after them. Default: any. */
  readonly atMost?: string | number | undefined;
  /** From the greatest to the least. Default false. */
  readonly isDescending?: boolean | undefined;
}

/** A record that was met on a walk. */
export interface WalkedRecord {
  readonly id: string;
  /** Its document's text. */
  readonly text: string;
}

/**
 * Walks along an index over declared fields: what a query does in general, this does for one kind of question, at a fraction of its
 * cost. Stops when `take` returns false; nothing may be written until it has. Throws for an index that is not declared.
 */
export function walkIndex(
  database: Database,
  {
    collection,
    resource,
    nowMs,
  }: { readonly collection: Collection; readonly resource: string; readonly nowMs: number },
  walk: IndexWalk,
  take: (record: WalkedRecord) => boolean,
): void {
  const { equal, atMost } = walk;
  const values = [resource, nowMs, ...equal, ...(atMost === undefined ? [] : [atMost])];
  const rows = prepared(database, walkStatement(collection, walk)).iterate(...values) as Iterable<WalkedRecord>;
  for (const row of rows) if (!take(row)) return;
}

function walkStatement({ name, indexes = [] }: Collection, { index, equal, atMost, isDescending }: IndexWalk): string {
  if (!indexes.some((paths) => paths.join() === index.join()))
    throw new Error(`"${name}" has no index ${index.join()}`);
  const columns = index.map((path) => indexedValue(jsonPath(path)));
  const direction = isDescending === true ? 'DESC' : 'ASC';
  const conditions = columns.slice(0, equal.length).map((column) => `${column} = ${BOUND}`);
  if (atMost !== undefined) conditions.push(`${columns[equal.length]} <= ${BOUND}`);
  const order = [...columns.slice(equal.length), 'id'].map((column) => `${column} ${direction}`);
  return `SELECT id, doc AS text FROM records
    WHERE collection = '${name}' AND deleted = 0 AND resource = ${BOUND} AND (expires_at IS NULL OR expires_at > ?)
    AND ${conditions.join(' AND ')} ORDER BY ${order.join(', ')}`;
}
