import { z } from 'zod';

import { fence, leaseTtlSeconds, lockName, lockScope, lockWaitSeconds } from '../locks.ts';
import { agentName, nodeName } from '../names.ts';
import { pageLimit } from './page.ts';
import { type Route, writeErrors } from './route.ts';
import { idempotency } from './writing.ts';

const scope = lockScope.optional().meta({
  description: 'Of this node, which works off-line too, or of the whole network, through the relay; default node',
});

/** A lease's name: what scope it is of, and a secret of its holder. */
const leaseId = z
  .string()
  .regex(/^(?:node|network)\.[0-9a-f]{32}$/, { error: 'a lease is what acquiring gave as `lease`' })
  .meta({ description: 'As acquiring gave it. Whoever knows it may renew and release: a secret of the holder' });

const leaseSchema = z.object({
  name: lockName,
  scope: lockScope,
  lease: leaseId,
  fence,
  if_fence: z.string().meta({ description: 'For the header `If-Fence` of what is written under the lock' }),
  ttl_seconds: z.number().meta({ description: 'Count them from before the request was sent' }),
});

/** A lock held for a time. */
export type LockLease = z.infer<typeof leaseSchema>;

const heldSchema = z.object({
  name: lockName,
  scope: lockScope,
  holder: z.object({ agent: agentName, node: nodeName.optional() }),
  fence,
  ttl_seconds: z.number(),
  remaining_seconds: z.number().meta({ description: 'How much longer at most, unless it is renewed' }),
  waiting: z.number().int().meta({ description: 'How many wait for it' }),
});

/** A lock that is held, as others may see it. */
export type LockStanding = z.infer<typeof heldSchema>;

/** What may come of asking the relay. */
const farErrors = ['not-enrolled', 'relay-unreachable', 'call-unsupported'] as const;

const common = { roles: ['agent', 'admin'], status: 200 } as const;

/** The daemon's calls about locks. */
export const lockRoutes = {
  'lock.acquire': {
    ...common,
    method: 'POST',
    path: '/v1/locks/{name}',
    summary: 'Take a lock, alone and for a time, waiting for it if wished. The same key again gives the same lease',
    params: { name: lockName },
    headers: idempotency,
    body: {
      kind: 'json',
      schema: z.strictObject({
        scope,
        ttl_seconds: leaseTtlSeconds.optional().meta({
          description: 'How long it is held without being renewed; default 30',
        }),
        wait_seconds: lockWaitSeconds.optional().meta({
          description: 'How long to wait while somebody else holds it; default 0',
        }),
      }),
    },
    answer: { kind: 'json', schema: leaseSchema },
    errors: ['lock-held', 'idempotency-mismatch', ...farErrors, ...writeErrors],
  },
  'lock.list': {
    ...common,
    method: 'GET',
    path: '/v1/locks',
    summary: 'The locks that are held, by name, a page at a time',
    query: z.strictObject({
      scope,
      limit: pageLimit,
      after: lockName.optional().meta({ description: 'The last name of the page before' }),
    }),
    answer: { kind: 'json', schema: z.object({ locks: z.array(heldSchema), next: lockName.nullable() }) },
    errors: [...farErrors],
  },
  'lock.get': {
    ...common,
    method: 'GET',
    path: '/v1/locks/{name}',
    summary: 'Who holds a lock, and for how long at most',
    params: { name: lockName },
    query: z.strictObject({ scope }),
    answer: { kind: 'json', schema: heldSchema },
    errors: ['lock-not-held', ...farErrors],
  },
  'lease.renew': {
    ...common,
    method: 'POST',
    path: '/v1/leases/{lease}/renew',
    summary: 'Begin a lease anew, for another time if one is given',
    params: { lease: leaseId },
    body: { kind: 'json', schema: z.strictObject({ ttl_seconds: leaseTtlSeconds.optional() }) },
    answer: { kind: 'json', schema: leaseSchema },
    errors: ['lease-lost', ...farErrors, ...writeErrors],
  },
  'lease.release': {
    ...common,
    method: 'DELETE',
    path: '/v1/leases/{lease}',
    summary: 'End a lease: whoever waits first has the lock then. Of one that has ended nothing is left to do',
    params: { lease: leaseId },
    status: 204,
    answer: { kind: 'none' },
    errors: [...farErrors, ...writeErrors],
  },
} as const satisfies Record<string, Route>;
