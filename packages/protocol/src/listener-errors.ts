import type { ErrorKind } from './error-kind.ts';

/** The part of the error catalogue that is about event streams and those who read them. */
export const listenerErrors = {
  'too-many-listeners': {
    status: 503,
    retryable: true,
    title: 'Too many event streams are open',
    remedy: 'Close streams nobody reads, or raise `limits.eventStreams`, and `limits.connections` with it.',
  },
  'listener-too-slow': {
    status: 503,
    retryable: true,
    title: 'The events were not taken fast enough',
    remedy: 'Listen again, from the last id where the stream has ids. Take events faster, or listen to fewer.',
  },
} as const satisfies Record<string, ErrorKind>;
