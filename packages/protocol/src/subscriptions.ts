import { z } from 'zod';

import { limits } from './limits.ts';
import { agentName, collectionName, NAME_PATTERN, nodeName, resourceName } from './names.ts';
import { timestamp } from './record.ts';

/** A subscription's name. */
export const subscriptionName = z
  .string()
  .regex(NAME_PATTERN, {
    error: 'a name has 1 to 63 lower-case letters, digits, "-" and "_", and begins with a letter or digit',
  })
  .meta({ description: 'Subscription name', example: 'candidates' });

const names = <Name extends z.ZodType>(name: Name): z.ZodArray<Name> => z.array(name).min(1).max(limits.feedNames);

/** Which records of other agents a node keeps a copy of. */
export const subscriptionScopeSchema = z.strictObject({
  collections: names(collectionName).meta({ description: 'Of these collections', example: ['candidates'] }),
  nodes: names(nodeName).optional().meta({ description: 'What these nodes wrote; without it, all' }),
  agents: names(agentName).optional().meta({ description: 'What these agents wrote; without it, all' }),
  resources: names(resourceName).optional().meta({ description: 'Of these resources alone; without it, of all' }),
});

/** Which records of other agents a node keeps a copy of. */
export type SubscriptionScope = z.infer<typeof subscriptionScopeSchema>;

/** The subscriptions of a node's configuration, by name. */
export const subscriptionsSchema = z
  .record(subscriptionName, subscriptionScopeSchema)
  .refine((all) => Object.keys(all).length <= limits.subscriptions, {
    error: `a node has at most ${limits.subscriptions} subscriptions`,
  });

/** The subscriptions of a node's configuration, by name. */
export type ConfiguredSubscriptions = Readonly<z.infer<typeof subscriptionsSchema>>;

/** How far a subscription is. */
export const subscriptionStandingSchema = z.object({
  name: subscriptionName,
  state: z.enum(['off', 'reading', 'following', 'starting-over']).meta({
    description:
      '`off`: the relay is away; `reading`: there is more at once; `following`: it has all; `starting-over`: it is read from the beginning again, and what was there stays readable meanwhile',
  }),
  caught_up_at: timestamp
    .nullable()
    .meta({ description: 'When the node last had all there was at the relay; null: never yet' }),
});

/** How far a subscription is. */
export type SubscriptionStanding = z.infer<typeof subscriptionStandingSchema>;

/** A subscription of the node. */
export const subscriptionSchema = subscriptionStandingSchema.extend({
  ...subscriptionScopeSchema.shape,
  origin: z
    .enum(['configuration', 'call'])
    .meta({ description: 'Where it was made; one of the configuration is changed there' }),
  behind_seconds: z
    .number()
    .nullable()
    .meta({ description: 'Since when the node may not have all there is; 0 while it has; null: it never had' }),
  records: z.number().int().meta({ description: 'Live records in its scope' }),
});

/** A subscription of the node. */
export type Subscription = z.infer<typeof subscriptionSchema>;
