import { z } from 'zod';

import { limits } from './limits.ts';
import { fence, leaseTtlSeconds, lockName, lockWaitSeconds } from './locks.ts';
import { agentName, nodeName, resourceName } from './names.ts';
import { randomId } from './sync.ts';

const speaker = { boot: randomId.meta({ description: 'The start of the daemon that asks' }), resource: resourceName };
const lease = randomId.meta({ description: 'A secret of its holder' });

/** A node asks for a lock of the network, for one of its agents. */
const acquireSchema = z.object({
  ...speaker,
  name: lockName,
  agent: agentName,
  ttl_seconds: leaseTtlSeconds,
  wait_seconds: lockWaitSeconds,
  key: z.string().max(255).optional().meta({ description: 'The same again gives the same lease while it is held' }),
  seen_fence: fence.meta({ description: 'The highest fence the node has seen of the network' }),
});

/** A lease of the network, as its node gets it. */
const leaseSchema = z.object({ name: lockName, lease, fence, ttl_seconds: leaseTtlSeconds });

/** A lock of the network that is held. */
const heldSchema = z.object({
  name: lockName,
  holder: z.object({ node: nodeName.optional(), agent: agentName }),
  fence,
  ttl_seconds: z.number(),
  remaining_seconds: z.number(),
  waiting: z.number().int(),
});

/** What nodes ask the relay about locks, and what it answers, by the end of the path. */
export const networkLockCalls = {
  acquire: { request: acquireSchema, answer: leaseSchema },
  renew: { request: z.object({ ...speaker, lease, ttl_seconds: leaseTtlSeconds.optional() }), answer: leaseSchema },
  release: { request: z.object({ ...speaker, lease }), answer: z.object({}) },
  list: {
    request: z.object({ ...speaker, after: z.string(), limit: z.number().int().min(1).max(limits.pageRecords) }),
    answer: z.object({ locks: z.array(heldSchema) }),
  },
  find: { request: z.object({ ...speaker, name: lockName }), answer: z.object({ lock: heldSchema.nullable() }) },
} as const;

/** One of the calls about locks of the network. */
export type NetworkLockCall = keyof typeof networkLockCalls;

/** What a node asks about locks of the network. */
export type NetworkLockRequest<Name extends NetworkLockCall> = z.infer<(typeof networkLockCalls)[Name]['request']>;

/** The same without the start of the daemon that asks. */
export type NetworkLockWish<Name extends NetworkLockCall> = Omit<NetworkLockRequest<Name>, 'boot'>;

/** What the relay answers. */
export type NetworkLockAnswer<Name extends NetworkLockCall> = z.infer<(typeof networkLockCalls)[Name]['answer']>;

/** The rules of the answers, each with its type. */
export const networkLockAnswers: { readonly [Name in NetworkLockCall]: z.ZodType<NetworkLockAnswer<Name>> } = {
  acquire: networkLockCalls.acquire.answer,
  renew: networkLockCalls.renew.answer,
  release: networkLockCalls.release.answer,
  list: networkLockCalls.list.answer,
  find: networkLockCalls.find.answer,
};
