import { z } from 'zod';

import { channelMessageSchema, channelName, channelPattern, presenceSchema, reachSchema } from '../channels.ts';
import type { Route } from './route.ts';

/** The daemon's calls about channels. */
export const channelRoutes = {
  'channel.publish': {
    method: 'POST',
    path: '/v1/channels/{channel}',
    summary: 'Publish any JSON to whoever listens now, on this node and, while the relay is there, on the others',
    roles: ['agent', 'admin'],
    params: { channel: channelName },
    body: { kind: 'document' },
    status: 200,
    answer: {
      kind: 'json',
      schema: z.object({
        id: channelMessageSchema.shape.id,
        listeners: z.number().int().meta({ description: 'Listeners of this node it was handed to' }),
        reach: reachSchema,
      }),
    },
    errors: ['unsafe-document'],
  },
  'channel.listen': {
    method: 'GET',
    path: '/v1/channels/{channel}',
    summary: 'Listen: what is published from now on, each message once at most',
    roles: ['agent', 'admin'],
    params: { channel: channelPattern },
    status: 200,
    answer: { kind: 'events', schema: channelMessageSchema },
    errors: [],
  },
  'channel.presence': {
    method: 'GET',
    path: '/v1/presence/{channel}',
    summary: 'Who listens now: to what the pattern covers, or to a pattern that covers it',
    roles: ['agent', 'admin'],
    params: { channel: channelPattern },
    status: 200,
    answer: { kind: 'json', schema: z.object({ present: z.array(presenceSchema), reach: reachSchema }) },
    errors: [],
  },
} as const satisfies Record<string, Route>;
