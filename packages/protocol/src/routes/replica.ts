import { z } from 'zod';

import { agentName, collectionName, nodeName, recordId } from '../names.ts';
import { networkQuerySchema, replicaAnswerSchema } from '../query/query.ts';
import { recordSchema } from '../record.ts';
import { subscriptionName, subscriptionSchema, subscriptionScopeSchema } from '../subscriptions.ts';
import { type Route, writeErrors } from './route.ts';

const named = { name: subscriptionName };

/** The daemon's calls about copies of what other agents wrote. */
export const replicaRoutes = {
  'subscription.list': {
    method: 'GET',
    path: '/v1/subscriptions',
    summary: 'What this node keeps a copy of, and how far each is',
    roles: ['admin'],
    status: 200,
    answer: { kind: 'json', schema: z.object({ subscriptions: z.array(subscriptionSchema) }) },
    errors: [],
  },
  'subscription.put': {
    method: 'PUT',
    path: '/v1/subscriptions/{name}',
    summary:
      'Keep a copy of records of other agents, and follow what becomes of them; of another scope under the same name what is left over is removed',
    roles: ['admin'],
    params: named,
    body: { kind: 'json', schema: subscriptionScopeSchema },
    status: 200,
    answer: { kind: 'json', schema: subscriptionSchema },
    errors: ['subscription-configured', 'too-many-subscriptions', ...writeErrors],
  },
  'subscription.remove': {
    method: 'DELETE',
    path: '/v1/subscriptions/{name}',
    summary: 'End a subscription; the records that no other covers are gone when it answers',
    roles: ['admin'],
    params: named,
    status: 204,
    answer: { kind: 'none' },
    errors: ['subscription-not-found', 'subscription-configured', ...writeErrors],
  },
  'replica.query': {
    method: 'POST',
    path: '/v1/replica/query',
    summary:
      'Query the copies this node keeps, with or without the relay: an agent reads its own resource, of its agent and of the collections that `query.sharedCollections` of the relay names',
    roles: ['agent', 'admin'],
    body: { kind: 'json', schema: networkQuerySchema },
    status: 200,
    answer: { kind: 'json', schema: replicaAnswerSchema },
    errors: ['not-subscribed', 'query-timeout', 'query-failed', 'storage-failed'],
  },
  'replica.get': {
    method: 'GET',
    path: '/v1/replica/records/{collection}/{id}',
    summary: 'A record of the copies this node keeps; of several with this id the one written last',
    roles: ['agent', 'admin'],
    params: { collection: collectionName, id: recordId },
    query: z.strictObject({
      node: nodeName.optional().meta({ description: 'The one that this node wrote' }),
      agent: agentName.optional().meta({ description: 'The one that this agent wrote' }),
    }),
    status: 200,
    answer: { kind: 'json', schema: recordSchema },
    errors: ['not-subscribed', 'record-not-found', 'query-timeout', 'query-failed', 'storage-failed'],
  },
} as const satisfies Record<string, Route>;
