import {
  interestChangesSchema,
  interestReceiptSchema,
  publishReceiptSchema,
  relayEventSchema,
  relayListenSchema,
  relayPresenceAnswerSchema,
  relayPresenceSchema,
  relayPublishSchema,
} from '../channels.ts';
import type { Route } from './route.ts';

const headers = { 'Holdfast-Protocol': 'The wire version the node speaks' };

/** How messages on channels go from node to node. */
export const relayChannelRoutes = {
  'channel.listen': {
    method: 'POST',
    path: '/relay/channels/listen',
    summary: 'Listen for the agents of a node, on one stream; another one of the node takes its place',
    roles: ['node'],
    headers,
    body: { kind: 'json', schema: relayListenSchema },
    status: 200,
    answer: { kind: 'events', schema: relayEventSchema },
    errors: ['node-cloned', 'protocol-unsupported'],
  },
  'channel.interests': {
    method: 'POST',
    path: '/relay/channels/interests',
    summary: 'Change to what a node listens, on the stream that is open',
    roles: ['node'],
    headers,
    body: { kind: 'json', schema: interestChangesSchema },
    status: 200,
    answer: { kind: 'json', schema: interestReceiptSchema },
    errors: ['node-cloned', 'protocol-unsupported'],
  },
  'channel.publish': {
    method: 'POST',
    path: '/relay/channels/publish',
    summary: 'Hand messages to the nodes that listen to their channels now',
    roles: ['node'],
    headers,
    body: { kind: 'json', schema: relayPublishSchema },
    status: 200,
    answer: { kind: 'json', schema: publishReceiptSchema },
    errors: ['node-cloned', 'protocol-unsupported'],
  },
  'channel.presence': {
    method: 'POST',
    path: '/relay/channels/presence',
    summary: 'Who listens on the other nodes',
    roles: ['node'],
    headers,
    body: { kind: 'json', schema: relayPresenceSchema },
    status: 200,
    answer: { kind: 'json', schema: relayPresenceAnswerSchema },
    errors: ['node-cloned', 'protocol-unsupported'],
  },
} as const satisfies Record<string, Route>;
