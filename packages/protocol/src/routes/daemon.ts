import { z } from 'zod';

import { kv } from '../collections/kv.ts';
import { batchAnswerSchema, batchEndSchema, batchLineSchema, batchSchema, operationSchema } from '../operations.ts';
import { agentName, collectionName, nodeName, recordId, resourceName } from '../names.ts';
import { timestamp, version } from '../record.ts';
import {
  networkAnswerSchema,
  networkQuerySchema,
  queryAnswerSchema,
  queryLineSchema,
  querySchema,
} from '../query/query.ts';
import { rejectSchema } from '../sync.ts';
import { agentStatusSchema, nodeStatusSchema } from './node-status.ts';
import { channelRoutes } from './channels.ts';
import { contextRoutes } from './context.ts';
import { kvEntrySchema, listQuery } from './kv.ts';
import { cacheRoutes } from './cache.ts';
import { collectionRoutes } from './collections.ts';
import { limitRoutes } from './limits.ts';
import { recruiterRoutes } from './recruiter.ts';
import { type Route, writeErrors } from './route.ts';
import { documentErrors, fencing, idempotency, preconditions, putQuery, writeAnswer, writeQuery } from './writing.ts';
import { lockRoutes } from './locks.ts';
import { mailRoutes } from './mail.ts';
import { registryRoutes } from './registry.ts';
import { sessionRoutes } from './sessions.ts';
import { replicaRoutes } from './replica.ts';
import { taskRoutes } from './tasks.ts';
import { joinBody, upkeepRoutes } from './upkeep.ts';

const recordParams = { collection: collectionName, id: recordId };
const keyParams = { key: recordId };
const agentParams = { agent: agentName };

/** A token's secret is in the answer that made it and nowhere else. */
const tokenAnswerSchema = z.object({
  token: z.string(),
  id: z.string(),
  agent: agentName,
  resource: resourceName.optional(),
});

/** An agent as the daemon lists it. */
const agentInfoSchema = z.object({
  name: agentName,
  created_at: timestamp,
  tokens: z.array(z.object({ id: z.string(), resource: resourceName.optional(), created_at: timestamp })),
});

/** A change of this node that the relay would not take. */
const nodeDeadLetterSchema = rejectSchema.extend({
  id: z.string(),
  agent: agentName,
  resource: resourceName,
  collection: collectionName,
  record: recordId,
  version,
  rejected_at: timestamp,
});

const deadLetterParams = {
  agent: agentName,
  id: z.string().regex(/^\d{1,15}$/, { error: 'a dead letter has a number' }),
};

/** The daemon's interface, `/v1`. */
export const daemonRoutes = {
  'record.put': {
    method: 'PUT',
    path: '/v1/records/{collection}/{id}',
    summary: 'Write a record: the body is the document',
    roles: ['agent', 'admin'],
    params: recordParams,
    query: putQuery,
    headers: preconditions,
    body: { kind: 'document' },
    status: 200,
    answer: writeAnswer,
    errors: ['precondition-failed', 'fence-stale', 'collection-guarded', ...documentErrors],
  },
  'record.get': {
    method: 'GET',
    path: '/v1/records/{collection}/{id}',
    summary: 'Read a record: the answer is the document, the ETag its version',
    roles: ['agent', 'admin'],
    params: recordParams,
    headers: { 'If-None-Match': 'An ETag: answer 304 if the record still has it' },
    status: 200,
    answer: { kind: 'document' },
    errors: ['record-not-found'],
  },
  'record.patch': {
    method: 'PATCH',
    path: '/v1/records/{collection}/{id}',
    summary: 'Change parts of a record: JSON Merge Patch (RFC 7396)',
    roles: ['agent', 'admin'],
    params: recordParams,
    query: putQuery,
    headers: preconditions,
    body: { kind: 'patch' },
    status: 200,
    answer: writeAnswer,
    errors: ['record-not-found', 'precondition-failed', 'fence-stale', 'collection-guarded', ...documentErrors],
  },
  'record.delete': {
    method: 'DELETE',
    path: '/v1/records/{collection}/{id}',
    summary: 'Delete a record; the deletion travels to the relay too',
    roles: ['agent', 'admin'],
    params: recordParams,
    query: writeQuery,
    headers: preconditions,
    status: 200,
    answer: writeAnswer,
    errors: ['record-not-found', 'precondition-failed', 'fence-stale', 'collection-guarded', ...writeErrors],
  },
  'record.create': {
    method: 'POST',
    path: '/v1/records/{collection}',
    summary: 'Write a record under an id made here',
    roles: ['agent', 'admin'],
    params: { collection: collectionName },
    query: putQuery,
    headers: { ...idempotency, ...fencing },
    body: { kind: 'document' },
    status: 201,
    answer: writeAnswer,
    errors: ['fence-stale', 'collection-guarded', ...documentErrors, 'idempotency-mismatch'],
  },
  'record.query': {
    method: 'POST',
    path: '/v1/records/{collection}/query',
    summary: "Query this agent's records of a collection",
    roles: ['agent', 'admin'],
    params: { collection: collectionName },
    body: { kind: 'json', schema: querySchema },
    status: 200,
    answer: { kind: 'json-or-ndjson', schema: queryAnswerSchema, lines: queryLineSchema },
    errors: ['collection-not-found'],
  },
  batch: {
    method: 'POST',
    path: '/v1/batch',
    summary: 'Many operations: a JSON array is all or nothing; NDJSON is committed in chunks and answered line by line',
    roles: ['agent', 'admin'],
    query: writeQuery,
    headers: { ...idempotency, ...fencing },
    body: { kind: 'json-or-ndjson', schema: batchSchema, lines: operationSchema },
    status: 200,
    answer: {
      kind: 'json-or-ndjson',
      schema: batchAnswerSchema,
      lines: z.union([batchLineSchema, batchEndSchema]),
    },
    errors: [
      'record-not-found',
      'precondition-failed',
      'fence-stale',
      'collection-guarded',
      ...documentErrors,
      'idempotency-mismatch',
    ],
  },
  'kv.put': {
    method: 'PUT',
    path: '/v1/kv/{key}',
    summary: 'Set a key to any JSON value',
    roles: ['agent', 'admin'],
    params: keyParams,
    query: putQuery,
    headers: preconditions,
    body: { kind: 'document', collection: kv.name },
    status: 200,
    answer: writeAnswer,
    errors: ['precondition-failed', 'fence-stale', ...documentErrors],
  },
  'kv.get': {
    method: 'GET',
    path: '/v1/kv/{key}',
    summary: 'The value of a key',
    roles: ['agent', 'admin'],
    params: keyParams,
    headers: { 'If-None-Match': 'An ETag: answer 304 if the value still has it' },
    status: 200,
    answer: { kind: 'document', collection: kv.name },
    errors: ['record-not-found'],
  },
  'kv.delete': {
    method: 'DELETE',
    path: '/v1/kv/{key}',
    summary: 'Remove a key',
    roles: ['agent', 'admin'],
    params: keyParams,
    query: writeQuery,
    headers: preconditions,
    status: 200,
    answer: writeAnswer,
    errors: ['record-not-found', 'precondition-failed', 'fence-stale', ...writeErrors],
  },
  'kv.list': {
    method: 'GET',
    path: '/v1/kv',
    summary: 'Keys in order with their values, by prefix, a page at a time',
    roles: ['agent', 'admin'],
    query: listQuery,
    status: 200,
    answer: { kind: 'json', schema: z.object({ entries: z.array(kvEntrySchema), next: recordId.nullable() }) },
    errors: [],
  },
  ...contextRoutes,
  ...collectionRoutes,
  ...taskRoutes,
  ...registryRoutes,
  ...mailRoutes,
  ...channelRoutes,
  ...lockRoutes,
  ...recruiterRoutes,
  ...limitRoutes,
  ...sessionRoutes,
  ...cacheRoutes,
  'status.agent': {
    method: 'GET',
    path: '/v1/status',
    summary: "This agent's records, outbox, last acknowledgement and dead letters. Not for a token bound to a resource",
    roles: ['agent', 'admin'],
    status: 200,
    answer: { kind: 'json', schema: agentStatusSchema },
    errors: [],
  },
  'status.node': {
    method: 'GET',
    path: '/v1/node',
    summary: "The node's link to the relay and the state of every agent",
    roles: ['admin'],
    status: 200,
    answer: { kind: 'json', schema: nodeStatusSchema },
    errors: [],
  },
  'node.join': {
    method: 'POST',
    path: '/v1/node/join',
    summary: 'Enrol this node at a relay with a join token',
    roles: ['admin'],
    body: { kind: 'json', schema: joinBody },
    status: 200,
    answer: { kind: 'json', schema: z.object({ node: nodeName, relay: z.string() }) },
    errors: ['already-enrolled', 'join-token-refused', 'node-exists', 'relay-unreachable', 'protocol-unsupported'],
  },
  'network.query': {
    method: 'POST',
    path: '/v1/network/query',
    summary:
      "Query what the relay holds: an agent's token asks for its agent, an admin's that names none for the whole node; of others what `query.sharedAgents` and `query.sharedCollections` there allow. While the relay cannot be reached, from the copies this node keeps, if a subscription covers the query",
    roles: ['agent', 'admin'],
    body: { kind: 'json', schema: networkQuerySchema },
    status: 200,
    answer: { kind: 'json', schema: networkAnswerSchema },
    errors: ['collection-not-found', 'not-enrolled', 'relay-unreachable'],
  },
  ...replicaRoutes,
  ...upkeepRoutes,
  'agent.list': {
    method: 'GET',
    path: '/v1/agents',
    summary: 'The agents of this node and their tokens, without secrets',
    roles: ['admin'],
    status: 200,
    answer: { kind: 'json', schema: z.object({ agents: z.array(agentInfoSchema) }) },
    errors: [],
  },
  'agent.create': {
    method: 'POST',
    path: '/v1/agents',
    summary: 'Make an agent and its first token',
    roles: ['admin'],
    body: { kind: 'json', schema: z.strictObject({ name: agentName }) },
    status: 201,
    answer: { kind: 'json', schema: tokenAnswerSchema },
    errors: ['agent-exists', ...writeErrors],
  },
  'agent.token': {
    method: 'POST',
    path: '/v1/agents/{agent}/tokens',
    summary: 'A further token for an agent, bound to one resource if one is named',
    roles: ['admin'],
    params: agentParams,
    body: { kind: 'json', schema: z.strictObject({ resource: resourceName.optional() }) },
    status: 201,
    answer: { kind: 'json', schema: tokenAnswerSchema },
    errors: ['agent-not-found', ...writeErrors],
  },
  'agent.token.revoke': {
    method: 'DELETE',
    path: '/v1/agents/{agent}/tokens/{id}',
    summary: 'Revoke a token by its id',
    roles: ['admin'],
    params: {
      agent: agentName,
      id: z
        .string()
        .regex(/^[0-9a-f]{12}$/, { error: 'a token id is 12 hexadecimal digits, as `holdfast agent list` shows it' }),
    },
    status: 204,
    answer: { kind: 'none' },
    errors: ['agent-not-found', ...writeErrors],
  },
  'dead-letter.list': {
    method: 'GET',
    path: '/v1/dead-letters',
    summary: 'Changes of this node that the relay would not take',
    roles: ['admin'],
    status: 200,
    answer: { kind: 'json', schema: z.object({ dead_letters: z.array(nodeDeadLetterSchema) }) },
    errors: [],
  },
  'dead-letter.retry': {
    method: 'POST',
    path: '/v1/dead-letters/{agent}/{id}/retry',
    summary: 'Send the record as it stands now once more',
    roles: ['admin'],
    params: deadLetterParams,
    status: 204,
    answer: { kind: 'none' },
    errors: ['agent-not-found', 'dead-letter-not-found', ...writeErrors],
  },
  'dead-letter.drop': {
    method: 'DELETE',
    path: '/v1/dead-letters/{agent}/{id}',
    summary: 'Forget the rejection; the record stays here as it is',
    roles: ['admin'],
    params: deadLetterParams,
    status: 204,
    answer: { kind: 'none' },
    errors: ['agent-not-found', 'dead-letter-not-found', ...writeErrors],
  },
} as const satisfies Record<string, Route>;

/** The name of one of the daemon's calls. */
export type DaemonRouteId = keyof typeof daemonRoutes;
