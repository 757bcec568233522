import type { BuiltInCollection } from './declaration.ts';

/** The name of the collection that holds durable messages. */
export const CHANNEL_MESSAGES = 'channel_messages';

/** Durable messages of all channels, on all nodes. A record's id is the channel, a slash, and the message's id. */
export const channelMessages = {
  name: CHANNEL_MESSAGES,
  help: 'Durable messages on channels, until they expire; written by publishing alone, read again by durable listeners',
  conflict: 'shared',
  writtenBy: 'POST /v1/channels/{channel}?durable=true',
  fields: {
    channel: { type: 'text', required: true, maxLength: 128 },
    from: { type: 'object', required: true, help: 'Who published it: node and agent' },
    value: { type: 'json', help: 'What was published' },
  },
  example: {
    id: 'agent:updates:ada/0192f0c1-a2b3-7c4d-8e5f-0123456789ab',
    document: { channel: 'agent:updates:ada', from: { node: 'workstation', agent: 'ada' }, value: { step: 3 } },
  },
} as const satisfies BuiltInCollection;
