import { z } from 'zod';

import { collectionKinds } from '../collections/index.ts';
import { agentName, collectionName, nodeName, recordId, resourceName } from '../names.ts';
import { networkLineSchema, networkRequestSchema, relayAnswerSchema } from '../query/query.ts';
import { timestamp, version } from '../record.ts';
import {
  batchHeaderSchema,
  batchReceiptSchema,
  bucketsSchema,
  changeSchema,
  copyPageSchema,
  DIGEST_BUCKETS,
  immediateReceiptSchema,
  immediateSchema,
  joinAnswerSchema,
  joinRequestSchema,
  randomId,
  sessionAnswerSchema,
  sessionRequestSchema,
  streamPageSchema,
} from '../sync.ts';
import { backupCalls } from './backup.ts';
import { callRoutes } from './calls.ts';
import { feedRoutes } from './feed.ts';
import { relayChannelRoutes } from './relay-channels.ts';
import { diskStatusSchema, lockFiguresSchema, scrubStatusSchema } from './node-status.ts';
import { networkLockRoutes } from './network-locks.ts';
import { retentionCalls, statisticsCall } from './retention.ts';
import { type Route, writeErrors } from './route.ts';

const readers = ['viewer', 'operator', 'admin'] as const;
const operators = ['operator', 'admin'] as const;

/** One stream as the relay sees it. */
const streamInfoSchema = z.object({
  agent: agentName,
  records: z.number().int(),
  cursor_seq: z.number().int(),
  last_change_at: timestamp.nullable().meta({ description: "When the relay last took a change, by the relay's clock" }),
});

/** One node as the relay sees it. */
const nodeInfoSchema = z.object({
  node: nodeName,
  joined_at: timestamp,
  last_contact_at: timestamp.nullable(),
  boot: randomId.nullable(),
  agents: z.array(streamInfoSchema),
  dead_letters: z.number().int(),
});

/** One node as the relay sees it. */
export type NodeInfo = z.infer<typeof nodeInfoSchema>;

/** The relay's own state, without what it holds. */
const relayStatusSchema = z.object({
  version: z.string(),
  started_at: timestamp,
  epoch: randomId.meta({ description: "Names this life of the relay's database" }),
  put_back: z.string().nullable().meta({
    description:
      'By what this start found the database put back or replaced, so that it got a new epoch; null if it did not',
  }),
  disk: diskStatusSchema,
  scrub: scrubStatusSchema,
  locks: lockFiguresSchema.meta({ description: 'Of the network' }),
});

/** The relay's own state, without what it holds. */
export type RelayStatus = z.infer<typeof relayStatusSchema>;

/** A change the relay would not take, kept with the reason until an operator decides. */
const deadLetterSchema = z.object({
  id: z.string(),
  node: nodeName,
  agent: agentName,
  seq: z.number().int(),
  code: z.string(),
  reason: z.string(),
  received_at: timestamp,
  resource: resourceName.nullable(),
  collection: collectionName.nullable(),
  record: recordId.nullable(),
  version: version.nullable(),
});

/** A change the relay would not take. */
export type DeadLetter = z.infer<typeof deadLetterSchema>;

const deadLetterParams = { id: z.string().regex(/^\d{1,15}$/, { error: 'a dead letter has a number' }) };

const protocolHeader = { 'Holdfast-Protocol': 'The wire version the node speaks' };

/** The relay's interface. */
export const relayRoutes = {
  session: {
    method: 'POST',
    path: '/relay/session',
    summary: 'Open or renew the session of a daemon start',
    roles: ['node'],
    headers: protocolHeader,
    body: { kind: 'json', schema: sessionRequestSchema },
    status: 200,
    answer: { kind: 'json', schema: sessionAnswerSchema },
    errors: ['node-cloned', 'protocol-unsupported', ...writeErrors],
  },
  batch: {
    method: 'POST',
    path: '/relay/batch',
    summary: 'Move one stream forward: a header line, then the changes',
    roles: ['node'],
    headers: protocolHeader,
    body: { kind: 'ndjson', lines: z.union([batchHeaderSchema, changeSchema]) },
    status: 200,
    answer: { kind: 'json', schema: batchReceiptSchema },
    errors: ['cursor-mismatch', 'node-cloned', 'protocol-unsupported', ...writeErrors],
  },
  immediate: {
    method: 'POST',
    path: '/relay/immediate',
    summary: 'Merge one change for a caller that waits; the cursor stays',
    roles: ['node'],
    headers: protocolHeader,
    body: { kind: 'json', schema: immediateSchema },
    status: 200,
    answer: { kind: 'json', schema: immediateReceiptSchema },
    errors: ['node-cloned', 'protocol-unsupported', ...writeErrors],
  },
  stream: {
    method: 'GET',
    path: '/relay/streams/{agent}',
    summary: "What the relay holds of one of the node's own streams above a seq",
    roles: ['node'],
    headers: protocolHeader,
    params: { agent: agentName },
    query: z.strictObject({ incarnation: randomId, after: z.coerce.number().int().min(0) }),
    status: 200,
    answer: { kind: 'json', schema: streamPageSchema },
    errors: ['protocol-unsupported'],
  },
  digest: {
    method: 'GET',
    path: '/relay/agents/{agent}/digest',
    summary: "Digests of one of the node's own agents, bucket by bucket, to find where two copies differ",
    roles: ['node'],
    headers: protocolHeader,
    params: { agent: agentName },
    status: 200,
    answer: { kind: 'json', schema: bucketsSchema },
    errors: ['protocol-unsupported'],
  },
  copy: {
    method: 'GET',
    path: '/relay/agents/{agent}/records',
    summary: "All the relay holds of one of the node's own agents, or one bucket of it, a page at a time",
    roles: ['node'],
    headers: protocolHeader,
    params: { agent: agentName },
    query: z.strictObject({
      after: z.string().max(200).optional().meta({ description: '`next` of the page before' }),
      bucket: z.coerce
        .number()
        .int()
        .min(0)
        .max(DIGEST_BUCKETS - 1)
        .optional(),
    }),
    status: 200,
    answer: { kind: 'json', schema: copyPageSchema },
    errors: ['protocol-unsupported'],
  },
  join: {
    method: 'POST',
    path: '/relay/join',
    summary:
      'Enrol a node; the bearer token is the join token, which this uses up. If it was made to replace a node, the one before is shut out',
    roles: ['join'],
    headers: protocolHeader,
    body: { kind: 'json', schema: joinRequestSchema },
    status: 201,
    answer: { kind: 'json', schema: joinAnswerSchema },
    errors: ['join-token-refused', 'node-exists', 'node-not-found', 'protocol-unsupported', ...writeErrors],
  },
  ...callRoutes,
  ...feedRoutes,
  ...relayChannelRoutes,
  ...networkLockRoutes,
  query: {
    method: 'POST',
    path: '/relay/query',
    summary:
      'Query records across nodes, agents and collections; a node sees its own agents, and those of others that `query.sharedAgents` and `query.sharedCollections` allow. With `sql`, one SELECT of an operator. With `Accept: application/x-ndjson` line by line',
    roles: [...readers, 'node'],
    body: { kind: 'json', schema: networkRequestSchema },
    status: 200,
    answer: { kind: 'json-or-ndjson', schema: relayAnswerSchema, lines: networkLineSchema },
    errors: ['collection-not-found', 'sql-forbidden', 'query-timeout', 'query-failed'],
  },
  status: {
    method: 'GET',
    path: '/relay/status',
    summary: "The relay's own state: its disk, the background check of its database, and whether that was put back",
    roles: readers,
    status: 200,
    answer: { kind: 'json', schema: relayStatusSchema },
    errors: [],
  },
  nodes: {
    method: 'GET',
    path: '/relay/nodes',
    summary: 'The nodes, their streams and when each was last heard of',
    roles: readers,
    status: 200,
    answer: { kind: 'json', schema: z.object({ nodes: z.array(nodeInfoSchema) }) },
    errors: [],
  },
  collections: {
    method: 'GET',
    path: '/relay/collections',
    summary: 'The collections there are in the network and how much is in each',
    roles: readers,
    status: 200,
    answer: {
      kind: 'json',
      schema: z.object({
        collections: z.array(
          z.object({
            name: collectionName,
            kind: z.enum(collectionKinds),
            help: z.string(),
            records: z.number().int(),
            declaration: z.json().optional().meta({ description: 'What documents of all agents fit' }),
            unindexed: z.array(z.array(z.string())).optional().meta({
              description: 'Declared indexes that are not built, as all collections together have too many',
            }),
          }),
        ),
      }),
    },
    errors: [],
  },
  'dead-letter.list': {
    method: 'GET',
    path: '/relay/dead-letters',
    summary: 'Changes the relay would not take, newest first',
    roles: operators,
    query: z.strictObject({ limit: z.coerce.number().int().min(1).max(1000).optional() }),
    status: 200,
    answer: { kind: 'json', schema: z.object({ dead_letters: z.array(deadLetterSchema) }) },
    errors: [],
  },
  'dead-letter.get': {
    method: 'GET',
    path: '/relay/dead-letters/{id}',
    summary: 'One dead letter with the change as it came',
    roles: operators,
    params: deadLetterParams,
    status: 200,
    answer: { kind: 'json', schema: deadLetterSchema.extend({ change: z.string() }) },
    errors: ['dead-letter-not-found'],
  },
  'dead-letter.retry': {
    method: 'POST',
    path: '/relay/dead-letters/{id}/retry',
    summary: 'Try to take the change once more; it stays a dead letter if it is refused again',
    roles: operators,
    params: deadLetterParams,
    status: 200,
    answer: { kind: 'json', schema: immediateReceiptSchema },
    errors: ['dead-letter-not-found', ...writeErrors],
  },
  'dead-letter.drop': {
    method: 'DELETE',
    path: '/relay/dead-letters/{id}',
    summary: 'Give a dead letter up for good',
    roles: operators,
    params: deadLetterParams,
    status: 204,
    answer: { kind: 'none' },
    errors: ['dead-letter-not-found', ...writeErrors],
  },
  invite: {
    method: 'POST',
    path: '/relay/join-tokens',
    summary: 'Make a join token: single use, for one node name, soon expired',
    roles: operators,
    body: {
      kind: 'json',
      schema: z.strictObject({
        node: nodeName,
        ttl: z.number().int().min(1).max(86_400).optional().meta({ description: 'Seconds; default 900' }),
        replaces: z.boolean().optional().meta({
          description: 'For a new machine that takes over an enrolled node; the old credential ends with the join',
        }),
      }),
    },
    status: 201,
    answer: { kind: 'json', schema: z.object({ token: z.string(), node: nodeName, expires_at: timestamp }) },
    errors: ['node-exists', 'node-not-found', ...writeErrors],
  },
  'backup.start': { ...backupCalls.start, path: '/relay/backups', roles: operators },
  'backup.list': { ...backupCalls.list, path: '/relay/backups', roles: operators },
  'retention.run': { ...retentionCalls.run, path: '/relay/retention', roles: ['admin'] },
  'retention.show': { ...retentionCalls.show, path: '/relay/retention', roles: operators },
  statistics: {
    ...statisticsCall,
    path: '/relay/statistics',
    summary: "How much the network's collections hold and grow, by node and agent",
    roles: operators,
  },
  token: {
    method: 'POST',
    path: '/relay/tokens',
    summary: 'Make a token for a person or tool',
    roles: ['admin'],
    body: {
      kind: 'json',
      schema: z.strictObject({ role: z.enum(['viewer', 'operator', 'admin']), name: z.string().min(1).max(100) }),
    },
    status: 201,
    answer: { kind: 'json', schema: z.object({ token: z.string(), id: z.string() }) },
    errors: [...writeErrors],
  },
} as const satisfies Record<string, Route>;

/** The name of one of the relay's calls. */
export type RelayRouteId = keyof typeof relayRoutes;
