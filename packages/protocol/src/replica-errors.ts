import type { ErrorKind } from './error-kind.ts';

/** What may come of subscribing, and of reading what was subscribed to. */
export const replicaErrors = {
  'subscription-not-found': {
    status: 404,
    retryable: false,
    title: 'No such subscription',
    remedy: 'List them with `holdfast subscription list`.',
  },
  'not-subscribed': {
    status: 404,
    retryable: false,
    title: 'This node keeps no copy of that',
    remedy:
      'Subscribe to the collection with `holdfast subscription add`, or ask the relay with POST /v1/network/query.',
  },
  'subscription-configured': {
    status: 409,
    retryable: false,
    title: 'The subscription stands in the configuration of the node',
    remedy: 'Change `subscriptions` in the configuration file, and start the daemon anew.',
  },
  'too-many-subscriptions': {
    status: 409,
    retryable: false,
    title: 'The node has as many subscriptions as it may have',
    remedy: 'Remove one, or name more collections in one of them.',
  },
} as const satisfies Record<string, ErrorKind>;
