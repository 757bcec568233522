import { z } from 'zod';

import {
  channelMessageSchema,
  channelName,
  channelPattern,
  durableMessageSeconds,
  presenceSchema,
  reachSchema,
} from '../channels.ts';
import { limits } from '../limits.ts';
import { type Route, writeErrors } from './route.ts';
import { idempotency } from './writing.ts';

const durable = z.enum(['true', 'false']).optional();

/** The daemon's calls about channels. */
export const channelRoutes = {
  'channel.publish': {
    method: 'POST',
    path: '/v1/channels/{channel}',
    summary:
      'Publish any JSON to whoever listens now, on this node and, while the relay is there, on the others; a durable message also to durable listeners, later too',
    roles: ['agent', 'admin'],
    params: { channel: channelName },
    query: z.strictObject({
      durable: durable.meta({ description: 'Whether it is kept, and answered once it is on the disk; default false' }),
      ttl: z.coerce
        .number()
        .pipe(durableMessageSeconds)
        .optional()
        .meta({ description: `Seconds a durable message is kept; default ${limits.durableMessageSeconds}` }),
    }),
    headers: idempotency,
    body: { kind: 'document' },
    status: 200,
    answer: {
      kind: 'json',
      schema: z.object({
        id: channelMessageSchema.shape.id,
        listeners: z.number().int().meta({
          description: 'Listeners of this node it was handed to; durable ones read it for themselves and do not count',
        }),
        reach: reachSchema,
      }),
    },
    errors: ['unsafe-document', 'idempotency-mismatch', ...writeErrors],
  },
  'channel.listen': {
    method: 'GET',
    path: '/v1/channels/{channel}',
    summary:
      'Listen: what is published from now on, each message once at most; a durable listener: what is published durably, each message once and none missing, also what was published before',
    roles: ['agent', 'admin'],
    params: { channel: channelPattern },
    query: z.strictObject({
      durable: durable.meta({ description: 'Whether to hear durable messages, and those alone; default false' }),
      from: z
        .enum(['beginning', 'now'])
        .optional()
        .meta({ description: 'Whether durable messages that are kept come first; default beginning' }),
    }),
    headers: { 'Last-Event-ID': 'Of a durable listener: the id of the last event that was seen' },
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
