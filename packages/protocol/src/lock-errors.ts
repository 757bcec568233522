import type { ErrorKind } from './error-kind.ts';

/** The part of the error catalogue that is about locks. */
export const lockErrors = {
  'lock-not-held': {
    status: 404,
    retryable: false,
    title: 'Nobody holds this lock',
    remedy: 'Check name, scope and resource; a lock that nobody holds is not listed either.',
  },
  'lock-held': {
    status: 409,
    retryable: false,
    title: 'Somebody else holds the lock',
    remedy: 'Wait for it with `wait_seconds`, or ask again: Retry-After says when its lease ends unless it is renewed.',
  },
  'fence-stale': {
    status: 412,
    retryable: false,
    title: 'The lease this was to be written under has ended',
    remedy: 'Nothing was written. Stop the work: somebody else had the lock since. Take it anew before going on.',
  },
} as const satisfies Record<string, ErrorKind>;
