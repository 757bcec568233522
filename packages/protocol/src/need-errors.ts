import type { ErrorKind } from './error-kind.ts';

/** What may come of asking for a rate limit or a session. */
export const needErrors = {
  'session-not-found': {
    status: 404,
    retryable: false,
    title: 'No such session',
    remedy: 'It has ended, was revoked, or never was: let the user sign in again.',
  },
  'rate-limited': {
    status: 429,
    retryable: true,
    title: 'The rate limit is used up',
    remedy: 'Nothing was taken. Ask again after Retry-After, or do without.',
  },
} as const satisfies Record<string, ErrorKind>;
