import type { ErrorKind } from './error-kind.ts';

/** What may stand in the way between a node and its relay; a part of the error catalogue. */
export const syncErrors = {
  'cursor-mismatch': {
    status: 409,
    retryable: false,
    title: 'The relay stands elsewhere in this stream',
    remedy: 'The node reconciles by itself (protocol rule 6).',
  },
  'not-shared': {
    status: 409,
    retryable: false,
    title: 'The collection is not shared',
    remedy: 'Only shared collections are followed: `context`, and those declared with `conflict: shared`.',
  },
  'feed-refetch': {
    status: 409,
    retryable: false,
    title: 'The feed does not go on from there',
    remedy:
      'Read it from the beginning, without a cursor, and forget what does not come again: the relay was put back, or what happened since is not known in full any more.',
  },
  'node-cloned': {
    status: 409,
    retryable: false,
    title: 'Another daemon speaks for this node',
    remedy:
      'Stop the copy, or make it a node of its own with `holdfast node reidentify`; one that goes on is let in when the other has been silent for its lease.',
  },
} as const satisfies Record<string, ErrorKind>;
