import { z } from 'zod';

import { limits } from '../limits.ts';
import { recordId } from '../names.ts';
import type { Route } from './route.ts';

const count = z.number().int().min(1).max(limits.rateLimit);

/** What is asked of a rate limit. */
const takeSchema = z
  .strictObject({
    limit: count.meta({ description: 'How much may be taken in any window' }),
    window_seconds: z.number().int().min(1).max(limits.rateWindowSeconds),
    cost: count.optional().meta({ description: 'How much this takes; default 1' }),
  })
  .refine(({ limit, cost = 1 }) => cost <= limit, { path: ['cost'], error: 'more than the limit is never there' });

const takenSchema = z.object({
  allowed: z.literal(true),
  remaining: z.number().int().meta({ description: 'How much may be taken now beside this' }),
  reset_seconds: z.number().int().meta({ description: 'Until all of it may be taken again, if nothing more is' }),
});

/** The daemon's calls about rate limits. */
export const limitRoutes = {
  'limit.take': {
    method: 'POST',
    path: '/v1/limits/{key}',
    summary:
      'Take from a limit of this agent, if as much is left in the window: asked and counted in one. The answer, also a refusal, has `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset`',
    roles: ['agent', 'admin'],
    params: { key: recordId },
    body: { kind: 'json', schema: takeSchema },
    status: 200,
    answer: { kind: 'json', schema: takenSchema },
    errors: ['rate-limited'],
  },
} as const satisfies Record<string, Route>;
