import { z } from 'zod';

import { agentStatuses } from '../collections/agents.ts';
import { agentName } from '../names.ts';
import { timestamp } from '../record.ts';
import { type Route, writeErrors } from './route.ts';

const text = z.string().min(1).max(100);

/** What an agent says of itself; what it leaves out stays as it was. */
const heartbeatSchema = z.strictObject({
  status: z.enum(agentStatuses).optional(),
  role: text.optional(),
  capabilities: z.array(text).max(100).optional(),
  task: z.string().max(255).nullable().optional().meta({ description: 'What it is at work on; null: nothing' }),
  offline_after_seconds: z.number().int().min(1).max(86_400).optional(),
  metadata: z.json().optional(),
});

/** What an agent says of itself. */
export type Heartbeat = z.infer<typeof heartbeatSchema>;

const entrySchema = z.object({
  agent: agentName,
  status: z.enum([...agentStatuses, 'offline']).meta({ description: '`offline`: heartbeats stay away' }),
  role: z.string().nullable(),
  capabilities: z.array(z.string()),
  task: z.string().nullable(),
  heartbeat_at: timestamp.nullable(),
  metadata: z.json(),
});

/** An agent in the registry. */
export type RegistryEntry = z.infer<typeof entrySchema>;

/** The daemon's calls about what its agents do. */
export const registryRoutes = {
  'registry.heartbeat': {
    method: 'POST',
    path: '/v1/registry/heartbeat',
    summary: 'Say that the agent lives, and what has changed about it; the first time registers it',
    roles: ['agent', 'admin'],
    body: { kind: 'json', schema: heartbeatSchema },
    status: 200,
    answer: { kind: 'json', schema: entrySchema },
    errors: [...writeErrors],
  },
  'registry.list': {
    method: 'GET',
    path: '/v1/registry',
    summary: 'The agents of this node that registered, in the same resource, and what each does',
    roles: ['agent', 'admin'],
    query: z.strictObject({
      capability: text.optional().meta({ description: 'Only those that can do this' }),
    }),
    status: 200,
    answer: { kind: 'json', schema: z.object({ agents: z.array(entrySchema) }) },
    errors: [],
  },
} as const satisfies Record<string, Route>;
