import { z } from 'zod';

import { limits } from '../limits.ts';
import { collectionName, recordId } from '../names.ts';
import { timestamp, version } from '../record.ts';
import { kvEntrySchema, listQuery } from './kv.ts';
import { type Route, writeErrors } from './route.ts';
import { documentErrors, preconditions, putQuery, writeAnswer, writeQuery } from './writing.ts';

const keyParams = { key: recordId };

/** A shared record that changed, as it is now. */
const watchedSchema = z.object({
  id: recordId,
  version,
  updated_at: timestamp,
  expires_at: timestamp.optional().meta({ description: 'Then it is gone, without a further event' }),
  deleted: z.boolean(),
  doc: z.json().optional().meta({ description: 'Left out when it is deleted' }),
});

/** A shared record that changed. */
export type Watched = z.infer<typeof watchedSchema>;

/** Context that the agents of all nodes share. */
export const contextRoutes = {
  'context.put': {
    method: 'PUT',
    path: '/v1/context/{key}',
    summary: 'Share any JSON value under a key with the agents of all nodes; the last writer of the network counts',
    roles: ['agent', 'admin'],
    params: keyParams,
    query: putQuery,
    headers: preconditions,
    body: { kind: 'document' },
    status: 200,
    answer: writeAnswer,
    errors: ['precondition-failed', 'fence-stale', ...documentErrors],
  },
  'context.get': {
    method: 'GET',
    path: '/v1/context/{key}',
    summary: 'The value under a key, as this node has it',
    roles: ['agent', 'admin'],
    params: keyParams,
    headers: { 'If-None-Match': 'An ETag: answer 304 if the value still has it' },
    status: 200,
    answer: { kind: 'document' },
    errors: ['record-not-found'],
  },
  'context.patch': {
    method: 'PATCH',
    path: '/v1/context/{key}',
    summary: 'Change parts of a value: JSON Merge Patch (RFC 7396)',
    roles: ['agent', 'admin'],
    params: keyParams,
    query: putQuery,
    headers: preconditions,
    body: { kind: 'patch' },
    status: 200,
    answer: writeAnswer,
    errors: ['record-not-found', 'precondition-failed', 'fence-stale', ...documentErrors],
  },
  'context.delete': {
    method: 'DELETE',
    path: '/v1/context/{key}',
    summary: 'Remove a key for all nodes',
    roles: ['agent', 'admin'],
    params: keyParams,
    query: writeQuery,
    headers: preconditions,
    status: 200,
    answer: writeAnswer,
    errors: ['record-not-found', 'precondition-failed', 'fence-stale', ...writeErrors],
  },
  'context.list': {
    method: 'GET',
    path: '/v1/context',
    summary: 'Keys in order with their values, by prefix, a page at a time',
    roles: ['agent', 'admin'],
    query: listQuery,
    status: 200,
    answer: { kind: 'json', schema: z.object({ entries: z.array(kvEntrySchema), next: recordId.nullable() }) },
    errors: [],
  },
  watch: {
    method: 'GET',
    path: '/v1/watch/{collection}',
    summary:
      'Follow a shared collection: what is there, then what changes, on whichever node. An event is a record as it is now; Last-Event-ID goes on after a cut',
    roles: ['agent', 'admin'],
    params: { collection: collectionName },
    query: z.strictObject({
      prefix: z.string().max(limits.idLength).optional().meta({ description: 'Only ids that begin so' }),
      from: z
        .enum(['beginning', 'now'])
        .optional()
        .meta({ description: 'Whether what is there comes first; default beginning' }),
    }),
    headers: { 'Last-Event-ID': 'The id of the last event that was seen' },
    status: 200,
    answer: { kind: 'events', schema: watchedSchema },
    errors: ['not-shared'],
  },
} as const satisfies Record<string, Route>;
