import { z } from 'zod';

import { cacheClassNames } from '../cache-classes.ts';
import { limits } from '../limits.ts';
import { collectionName, recordId } from '../names.ts';
import { ttlSeconds } from '../operations.ts';
import type { Route } from './route.ts';

const TAG = `[^,\\p{Cc}]{1,${limits.cacheTagLength}}`;
const tag = z
  .string()
  .regex(new RegExp(`^${TAG}$`, 'u'), { error: `a tag has 1 to ${limits.cacheTagLength} characters and no comma` });

/** Names with commas between them. */
function listOf(name: string, what: string): z.ZodOptional<z.ZodString> {
  const more = limits.cacheLabels - 1;
  return z
    .string()
    .regex(new RegExp(`^${name}(,${name}){0,${more}}$`, 'u'), {
      error: `1 to ${limits.cacheLabels} ${what}, with commas`,
    })
    .optional();
}

const cacheClass = z.enum(cacheClassNames).optional();
const ticket = z.uuid().optional();
const keyParams = { key: recordId };

const invalidationSchema = z
  .strictObject({
    tag: tag.optional().meta({ description: 'Values put with this tag' }),
    prefix: z.string().min(1).max(limits.idLength).optional().meta({ description: 'Values whose key begins so' }),
    collection: collectionName.optional().meta({ description: 'Values put as depending on this collection' }),
  })
  .refine((named) => Object.values(named).filter((each) => each !== undefined).length === 1, {
    error: 'name one: tag, prefix or collection',
  });

/** Which values are not to be found any more; one of the three is named. */
export type Invalidation = z.infer<typeof invalidationSchema>;

const classFiguresSchema = z.object({
  ttl_seconds: z
    .number()
    .int()
    .meta({ description: 'How long its values are kept, unless they are put with another time' }),
  memory_hits: z.number().int().meta({ description: 'Values found in memory' }),
  disk_hits: z.number().int().meta({ description: 'Values found on the disk' }),
  shared: z.number().int().meta({ description: 'Values that another was computing, and were waited for' }),
  misses: z.number().int().meta({ description: 'By the class that was asked for; default `default`' }),
  hit_rate: z
    .number()
    .min(0)
    .max(1)
    .nullable()
    .meta({ description: 'All but misses, over all; null: nothing was asked for' }),
});

/** How often values of a class were found. */
export type CacheClassFigures = z.infer<typeof classFiguresSchema>;

/** The daemon's calls about the cache. */
export const cacheRoutes = {
  'cache.get': {
    method: 'GET',
    path: '/v1/cache/{key}',
    summary:
      'A cached value, as it was put. Who misses it with `compute` gets a `ticket` to put it with; others who ask so meanwhile wait for that value',
    roles: ['agent', 'admin'],
    params: keyParams,
    query: z.strictObject({
      class: cacheClass.meta({ description: 'What a miss counts as' }),
      compute: z.coerce.number().int().min(1).max(limits.cacheComputeSeconds).optional().meta({
        description:
          'The caller computes the value if it is missing, within so many seconds; and waits as long for another who does',
      }),
    }),
    status: 200,
    answer: { kind: 'document' },
    errors: ['cache-miss'],
  },
  'cache.put': {
    method: 'PUT',
    path: '/v1/cache/{key}',
    summary: 'Cache any JSON value for a time',
    roles: ['agent', 'admin'],
    params: keyParams,
    query: z.strictObject({
      class: cacheClass.meta({
        description: 'What kind of value it is, which says how long it is kept; default `default`',
      }),
      ttl: z.coerce
        .number()
        .pipe(ttlSeconds)
        .optional()
        .meta({ description: 'Seconds it is kept, whatever its class' }),
      tags: listOf(TAG, 'tags').meta({ description: 'To be invalidated by, with commas' }),
      collections: listOf('[a-z][a-z0-9_]{0,62}', 'collections').meta({
        description: 'What it depends on, with commas: a write of this agent to one of them invalidates it',
      }),
      ticket: ticket.meta({
        description: 'As the miss gave it: nothing is kept if the value was invalidated meanwhile',
      }),
    }),
    body: { kind: 'document' },
    status: 204,
    answer: { kind: 'none' },
    errors: ['ticket-ended', 'unsafe-document', 'record-too-large'],
  },
  'cache.delete': {
    method: 'DELETE',
    path: '/v1/cache/{key}',
    summary: 'Remove a value, or give back a ticket: then the next who waits computes it. None is no error',
    roles: ['agent', 'admin'],
    params: keyParams,
    query: z.strictObject({ ticket: ticket.meta({ description: 'To be given back; no value is removed' }) }),
    status: 204,
    answer: { kind: 'none' },
    errors: [],
  },
  'cache.invalidate': {
    method: 'POST',
    path: '/v1/cache/invalidate',
    summary: 'Remove all values with a tag, with keys that begin so, or that depend on a collection',
    roles: ['agent', 'admin'],
    body: { kind: 'json', schema: invalidationSchema },
    status: 204,
    answer: { kind: 'none' },
    errors: [],
  },
  'cache.figures': {
    method: 'GET',
    path: '/v1/cache',
    summary: "How often this agent's values were found since the daemon started, by class",
    roles: ['agent', 'admin'],
    status: 200,
    answer: { kind: 'json', schema: z.object({ classes: z.record(z.enum(cacheClassNames), classFiguresSchema) }) },
    errors: [],
  },
} as const satisfies Record<string, Route>;
