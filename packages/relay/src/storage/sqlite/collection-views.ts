import type { Collection } from '@holdfast/protocol';
import { indexedValue, jsonPath, type SqlColumn, type SqlView } from '@holdfast/store';

import type { KnownCollection } from '../relay-store.ts';

const stored = (name: string, sql: string = `r.${name}`): SqlColumn => ({ name, type: 'stored', sql });

/** RFC 3339 in UTC with milliseconds, as answers have it. */
const time = (name: string): SqlColumn => ({
  name,
  type: 'TEXT',
  sql: `strftime('%Y-%m-%dT%H:%M:%fZ', r.${name} / 1000.0, 'unixepoch')`,
});

const columns: readonly SqlColumn[] = [
  stored('node', 'a.node'),
  stored('agent', 'a.agent'),
  stored('resource'),
  stored('id'),
  stored('version'),
  time('created_at'),
  time('updated_at'),
  time('expires_at'),
  stored('doc'),
];

/** SQLite keeps names that begin so to itself. */
const RESERVED = /^sqlite_/i;

/**
 * A view of each collection, with the records that live at a point in time and a column for each declared field; none of a
 * collection whose name SQLite does not allow.
 */
export function collectionViews(
  collections: readonly Pick<KnownCollection, 'name' | 'declared'>[],
  nowMs: number,
): SqlView[] {
  return collections
    .filter(({ name }) => !RESERVED.test(name))
    .map(({ name, declared }) => ({
      name,
      columns: [...columns, ...declaredColumns(declared)],
      from: `main.records AS r JOIN main.agents AS a ON a.id = r.agent_id
        WHERE r.collection = '${name.replaceAll("'", "''")}' AND r.deleted = 0
          AND (r.expires_at IS NULL OR r.expires_at > ${Math.trunc(nowMs)}) AND a.agent <> ''`,
    }));
}

// In the words of the indexes over it, so that those serve; a declared field has one type, which its values have by themselves.
function declaredColumns(collection: Collection | undefined): SqlColumn[] {
  return Object.keys(collection?.fields ?? {}).map((name) => stored(name, indexedValue(jsonPath(name), 'r')));
}
