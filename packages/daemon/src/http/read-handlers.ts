import { CONTEXT, type daemonRoutes } from '@holdfast/protocol';
import { type Answer, type Handlers, recordLines, wantsLines } from '@holdfast/http';
import { type ListedDocument, type StoredDocument, toTimestamp } from '@holdfast/store';

import type { Records, Scope } from '../service/records.ts';
import { type DaemonCaller, scopeOf } from './caller.ts';

const DEFAULT_PAGE_ENTRIES = 100;

type ReadRouteId = 'record.get' | 'record.query' | `${'kv' | 'context'}.${'get' | 'list'}`;

/** Answers the calls that read records. */
export function readHandlers(records: Records): Handlers<Pick<typeof daemonRoutes, ReadRouteId>, DaemonCaller> {
  return {
    'record.get': ({ identity, params, header }) =>
      documentAnswer(records.read(scopeOf(identity), params.collection, params.id), header('if-none-match')),
    'kv.get': ({ identity, params, header }) =>
      documentAnswer(records.read(scopeOf(identity), 'kv', params.key), header('if-none-match')),
    'record.query': ({ identity, params, body, header }) => {
      const scope = scopeOf(identity);
      // Whoever may see one resource alone learns nothing of what the others have: there a collection may as well be empty.
      if (!identity.isBound) records.assertCollection(scope, params.collection);
      return wantsLines(header)
        ? { ndjson: recordLines(records.stream(scope, params.collection, body.value)) }
        : { json: records.query(scope, params.collection, body.value) };
    },
    'context.get': ({ identity, params, header }) =>
      documentAnswer(records.read(scopeOf(identity), CONTEXT, params.key), header('if-none-match')),
    'kv.list': ({ identity, query }) => listAnswer(records, scopeOf(identity), 'kv', query),
    'context.list': ({ identity, query }) => listAnswer(records, scopeOf(identity), CONTEXT, query),
  };
}

interface ListQuery {
  readonly prefix?: string | undefined;
  readonly after?: string | undefined;
  readonly limit?: number | undefined;
}

function listAnswer(records: Records, scope: Scope, collection: string, query: ListQuery): Answer {
  const { prefix = '', after = '', limit = DEFAULT_PAGE_ENTRIES } = query;
  const { rows, isMore } = records.list(scope, collection, { prefix, after, limit });
  return { json: { entries: rows.map(toEntry), next: isMore ? (rows.at(-1)?.id ?? null) : null } };
}

function documentAnswer(stored: StoredDocument, ifNoneMatch: string | undefined): Answer {
  const etag = `"${stored.version}"`;
  if (ifNoneMatch === etag) return { status: 304, headers: { etag } };
  return { headers: { etag }, text: stored.text };
}

function toEntry(entry: ListedDocument): Record<string, unknown> {
  return {
    key: entry.id,
    value: JSON.parse(entry.text) as unknown,
    version: entry.version,
    updated_at: toTimestamp(entry.updatedAtMs),
    ...(entry.expiresAtMs !== null && { expires_at: toTimestamp(entry.expiresAtMs) }),
  };
}
