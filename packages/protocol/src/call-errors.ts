import type { ErrorKind } from './error-kind.ts';

/** The part of the error catalogue that is about nodes calling each other. */
export const callErrors = {
  'call-unsupported': {
    status: 501,
    retryable: false,
    title: 'The other side does not know this call',
    remedy: 'Nothing was done. Upgrade the relay first, then the other node.',
  },
  'node-unreachable': {
    status: 503,
    retryable: true,
    title: 'The other node cannot be reached',
    remedy: 'It did nothing. Try again when it is connected: `holdfast status` on the relay shows its last contact.',
  },
  'call-unanswered': {
    status: 504,
    retryable: false,
    title: 'The other node did not answer',
    remedy: 'It may have done what was asked, or not: look before asking again, unless doing it twice is harmless.',
  },
} as const satisfies Record<string, ErrorKind>;
