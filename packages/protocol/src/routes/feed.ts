import { z } from 'zod';

import { limits } from '../limits.ts';
import { agentName, collectionName, nodeName, resourceName } from '../names.ts';
import { feedChangeSchema, feedCursor, feedEndSchema, feedPageSchema, randomId } from '../sync.ts';
import type { Route } from './route.ts';

/** Names in a URL, separated by commas. */
function names<Name extends z.ZodType<string, string>>(name: Name) {
  const list = z.array(name).min(1).max(limits.feedNames);
  return z
    .string()
    .transform((text) => text.split(','))
    .pipe(list)
    .optional();
}

/** Which part of the feed is read. */
export const feedQuerySchema = z.strictObject({
  after: feedCursor.optional().meta({ description: '`cursor` of the page before; without it, from the beginning' }),
  collections: names(collectionName).meta({ description: 'Of these collections alone, separated by commas' }),
  nodes: names(nodeName).meta({ description: 'What these nodes wrote' }),
  agents: names(agentName).meta({ description: 'What these agents wrote; `shared`: what all nodes share' }),
  resources: names(resourceName).meta({ description: 'Of these resources alone' }),
  addressed: z.literal('true').optional().meta({
    description: 'Only what other nodes addressed to agents of the node that asks: letters, and tasks they may claim',
  }),
  declarations: z
    .literal('true')
    .optional()
    .meta({ description: 'With what those agents declared of these collections, of whatever resource is asked for' }),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(limits.syncBatchChanges)
    .optional()
    .meta({ description: `Most changes in the page. Default ${limits.syncBatchChanges}` }),
  wait_seconds: z.coerce
    .number()
    .min(0)
    .max(limits.feedWaitSeconds)
    .optional()
    .meta({ description: 'How long a change is waited for when there is none. Default 0' }),
  incarnation: randomId.optional().meta({ description: "The asking node's stream of shared records: see `stream`" }),
});

/** Which part of the feed is read. */
export type FeedQuery = z.infer<typeof feedQuerySchema>;

/** The name of the event that tells who follows the feed that there is nothing more in it now. */
export const CAUGHT_UP_EVENT = 'caught-up';

/** The data of that event. */
const caughtUpSchema = z.object({ cursor: feedCursor });

/** What the relay applied, in order. */
export const feedRoutes = {
  feed: {
    method: 'GET',
    path: '/relay/feed',
    summary:
      'What changed in the network, in the order the relay took it, each record once as it is now; a node reads what its agents may see, or what is addressed to them. ' +
      `Followed as events: each change with a cursor as its id, and \`${CAUGHT_UP_EVENT}\` when there is nothing more for now`,
    roles: ['node', 'operator', 'admin'],
    query: feedQuerySchema,
    headers: { 'Last-Event-ID': 'Of events: the id of the last one that was seen; counts before `after`' },
    status: 200,
    answer: {
      kind: 'json-or-ndjson',
      schema: feedPageSchema,
      lines: z.union([feedChangeSchema, feedEndSchema]),
      events: z.union([feedChangeSchema, caughtUpSchema]),
    },
    errors: ['feed-refetch'],
  },
} as const satisfies Record<string, Route>;
