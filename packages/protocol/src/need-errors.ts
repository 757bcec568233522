import type { ErrorKind } from './error-kind.ts';

/** What may come of asking for a rate limit, a session or a cached value. */
export const needErrors = {
  'session-not-found': {
    status: 404,
    retryable: false,
    title: 'No such session',
    remedy: 'It has ended, was revoked, or never was: let the user sign in again.',
  },
  'cache-miss': {
    status: 404,
    retryable: false,
    title: 'The cache has no such value',
    remedy: 'Compute it. With a `ticket` others wait for you: put it with that, or give the ticket back.',
  },
  'ticket-ended': {
    status: 409,
    retryable: false,
    title: 'The ticket has ended',
    remedy: 'Use the value, but it is not kept: its time was over, or what it depends on was changed meanwhile.',
  },
  'rate-limited': {
    status: 429,
    retryable: true,
    title: 'The rate limit is used up',
    remedy: 'Nothing was taken. Ask again after Retry-After, or do without.',
  },
} as const satisfies Record<string, ErrorKind>;
