import { z } from 'zod';

import { agentName, nodeName } from '../names.ts';
import { backupCalls } from './backup.ts';
import { restoreStatusSchema } from './node-status.ts';
import { retentionCalls, statisticsCall } from './retention.ts';
import { type Route, writeErrors } from './route.ts';

/** What it takes to enrol a node: where, with which token, as whom. */
export const joinBody = z.strictObject({ relay: z.url(), token: z.string().max(500), name: nodeName });

/** The daemon's calls for when something went wrong, and for being ready when it does. */
export const upkeepRoutes = {
  'node.adopt': {
    method: 'POST',
    path: '/v1/node/adopt',
    summary:
      'Take over an enrolled node whose machine is gone, with a join token made to replace it: its agents are restored from the relay, each as `status.node` shows',
    roles: ['admin'],
    body: { kind: 'json', schema: joinBody },
    status: 202,
    answer: { kind: 'json', schema: z.object({ node: nodeName, relay: z.string(), agents: z.array(agentName) }) },
    errors: ['agent-exists', 'already-enrolled', 'join-token-refused', 'relay-unreachable', 'protocol-unsupported'],
  },
  'node.reidentify': {
    method: 'POST',
    path: '/v1/node/reidentify',
    summary: 'Make this copy of a node a node of its own, under a new name: everything here is sent anew',
    roles: ['admin'],
    body: { kind: 'json', schema: joinBody.partial({ relay: true }) },
    status: 200,
    answer: { kind: 'json', schema: z.object({ node: nodeName, relay: z.string() }) },
    errors: [
      'not-enrolled',
      'join-token-refused',
      'node-exists',
      'file-damaged',
      'relay-unreachable',
      'protocol-unsupported',
    ],
  },
  'backup.start': { ...backupCalls.start, path: '/v1/backups', roles: ['admin'] },
  'backup.list': { ...backupCalls.list, path: '/v1/backups', roles: ['admin'] },
  'retention.run': { ...retentionCalls.run, path: '/v1/retention', roles: ['admin'] },
  'retention.show': { ...retentionCalls.show, path: '/v1/retention', roles: ['admin'] },
  statistics: {
    ...statisticsCall,
    path: '/v1/statistics',
    summary: "How much this agent's collections hold and grow. Not for a token bound to a resource",
    roles: ['agent', 'admin'],
  },
  'agent.restore': {
    method: 'POST',
    path: '/v1/agents/{agent}/restore',
    summary:
      "Rebuild an agent's file from the relay or a backup; the file there is is set aside, and what of it the source never had is taken over where it can be read",
    roles: ['admin'],
    params: { agent: agentName },
    body: {
      kind: 'json',
      schema: z.strictObject({
        from: z.enum(['relay', 'backup']),
        backup: z
          .string()
          .max(100)
          .optional()
          .meta({ description: 'Which one; default the newest that has the agent' }),
      }),
    },
    status: 202,
    answer: { kind: 'json', schema: restoreStatusSchema },
    errors: ['agent-not-found', 'backup-not-found', 'work-under-way', 'not-enrolled', ...writeErrors],
  },
  'agent.restore.status': {
    method: 'GET',
    path: '/v1/agents/{agent}/restore',
    summary: 'How far restoring an agent is, and the report once it is done',
    roles: ['admin'],
    params: { agent: agentName },
    status: 200,
    answer: { kind: 'json', schema: restoreStatusSchema },
    errors: ['agent-not-found'],
  },
} as const satisfies Record<string, Route>;
