import { z } from 'zod';

import { limits } from './limits.ts';
import { agentName, nodeName, resourceName } from './names.ts';
import { randomId } from './sync.ts';

const CHANNEL_RULE = 'a channel has 1 to 128 letters, digits and ". _ : @ -", and begins with a letter or digit';
const PATTERN_RULE = `a pattern is a channel in which "*" stands for any run of characters, at most ${limits.patternStars} times`;

/** A channel's name. */
export const channelName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.:@-]{0,127}$/, { error: CHANNEL_RULE })
  .meta({ description: 'Channel', example: 'agent:updates:ada' });

/** Which channels are meant: one by its name, or those a pattern covers. */
export const channelPattern = z
  .string()
  .regex(/^[A-Za-z0-9*][A-Za-z0-9_.:@*-]{0,127}$/, { error: `${PATTERN_RULE}; ${CHANNEL_RULE}` })
  .refine((pattern) => pattern.split('*').length <= limits.patternStars + 1, { error: PATTERN_RULE })
  .meta({ description: 'A channel, or a pattern: `*` stands for any run of characters', example: 'agent:updates:*' });

/** Seconds a durable message is kept. */
export const durableMessageSeconds = z.number().int().min(1).max(limits.longestDurableMessageSeconds);

const messageId = z.uuid().meta({ description: 'UUIDv7: of one node, later messages sort later' });

/** Who published a message: the relay vouches for the node, the node for its agent. */
const publisherSchema = z.object({
  node: nodeName.nullable().meta({ description: 'Null: a node without a relay has no name' }),
  agent: agentName,
});

/** Who published a message. */
export type Publisher = z.infer<typeof publisherSchema>;

/** A message as a listener gets it. */
export const channelMessageSchema = z.object({
  id: messageId,
  channel: channelName,
  from: publisherSchema,
  value: z.json(),
});

/** A message as a listener gets it. */
export type ChannelMessage = z.infer<typeof channelMessageSchema>;

/** How far something went: to the network, or to this node only as the relay is away, or there is none. */
export const reachSchema = z
  .enum(['network', 'node'])
  .meta({ description: '`node`: the relay is away, or there is none' });

/** How far something went. */
export type Reach = z.infer<typeof reachSchema>;

/** Somebody who listens. */
export const presenceSchema = z.object({
  node: nodeName.nullable(),
  agent: agentName,
  listeners: z.number().int().min(1),
});

/** Somebody who listens. */
export type ChannelPresence = z.infer<typeof presenceSchema>;

/** To what agents of a node listen: so many listeners of an agent, to a pattern. */
const interestSchema = z.object({
  resource: resourceName,
  pattern: channelPattern,
  agent: agentName,
  listeners: z.number().int().min(0).meta({ description: 'How many now; 0: none any more' }),
});

const boot = randomId.meta({ description: 'The start of the daemon that speaks' });

/** A node listens for its agents. */
export const relayListenSchema = z.object({ boot, interests: z.array(interestSchema).max(limits.interests) });

/** A node listens for its agents. */
export type RelayListen = z.infer<typeof relayListenSchema>;

/** To what a node listens from now on, by what changed. */
export const interestChangesSchema = z.object({
  boot,
  listening: randomId.meta({ description: 'The stream, as its first event named it' }),
  changes: z.array(interestSchema).max(limits.interests),
});

/** To what a node listens from now on. */
export type InterestChanges = z.infer<typeof interestChangesSchema>;

/** Whether that stream is there: if not, the node opens another. */
export const interestReceiptSchema = z.object({ known: z.boolean() });

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

/** A message on its way between nodes. */
const sentMessageSchema = z.object({
  id: messageId,
  resource: resourceName,
  channel: channelName,
  agent: agentName,
  text: z
    .string()
    .max(limits.messageBytes)
    .refine(isJson, { error: 'is not JSON' })
    .meta({ description: 'The value as JSON text, exactly as it was published' }),
});

/** A message on its way between nodes. */
export type SentMessage = z.infer<typeof sentMessageSchema>;

/** What agents of a node published, for those of others. */
export const relayPublishSchema = z.object({
  boot,
  messages: z.array(sentMessageSchema).min(1).max(limits.messagesAtOnce),
});

/** What agents of a node published. */
export type RelayPublish = z.infer<typeof relayPublishSchema>;

/** How many of the messages the relay took: all. */
export const publishReceiptSchema = z.object({ taken: z.number().int() });

/** What a node hears of the relay: first the name of the stream, then messages of other nodes. */
export const relayEventSchema = z.union([
  z.object({ listening: randomId }),
  sentMessageSchema.extend({ node: nodeName.meta({ description: 'Where it was published' }) }),
]);

/** What a node hears of the relay. */
export type RelayEvent = z.infer<typeof relayEventSchema>;

/** A node asks who listens on other nodes. */
export const relayPresenceSchema = z.object({ boot, resource: resourceName, pattern: channelPattern });

/** A node asks who listens on other nodes. */
export type RelayPresenceRequest = z.infer<typeof relayPresenceSchema>;

/** Who listens on other nodes. */
export const relayPresenceAnswerSchema = z.object({ present: z.array(presenceSchema) });
