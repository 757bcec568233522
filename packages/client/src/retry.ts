import type { ErrorCode } from '@holdfast/protocol';

import { HoldfastProblem, HoldfastUnreachable } from './errors.ts';

/**
 * What sending a request twice does:
 * `free`: nothing, it only reads;
 * `keyed`: the second gets the first one's answer, by its idempotency key;
 * `same`: the effect is that of once, though a condition or a 404 may then judge the first one's work;
 * `twice`: perhaps the effect twice, so it is sent again only when the first certainly did nothing.
 */
export type Repeat = 'free' | 'keyed' | 'same' | 'twice';

/** A failure of a request, as opposed to a bug. */
export type Failure = HoldfastProblem | HoldfastUnreachable;

/** Whether this is a failure of a request. */
export function isFailure(error: unknown): error is Failure {
  return error instanceof HoldfastProblem || error instanceof HoldfastUnreachable;
}

/** Refusals given before anything is carried out. */
const NOTHING_DONE: readonly ErrorCode[] = [
  'body-incomplete',
  'disk-full',
  'queue-full',
  'request-timeout',
  'shutting-down',
  'too-many-requests',
];

/** Refusals that the first attempt's own work may be the reason of, or what came after it. */
const CONDITIONS: ReadonlySet<string> = new Set<ErrorCode>(['precondition-failed', 'fence-stale']);

const BASE_DELAY_MS = 250;
const MAX_DELAY_MS = 10_000;
/** A service that asks for more than this is not waited for: the caller decides. */
const MAX_RETRY_AFTER_MS = 30_000;

/** Whether the request may be sent again after this failure. A rate limit's refusal is an answer: who asked decides what to do. */
export function mayRepeat(failure: Failure, repeat: Repeat): boolean {
  if (failure instanceof HoldfastProblem && (!failure.retryable || failure.code === 'rate-limited')) return false;
  return repeat !== 'twice' || nothingDone(failure);
}

/** Whether the request may have been carried out although it failed. */
export function mayBeDone(failure: Failure): boolean {
  if (failure instanceof HoldfastUnreachable) return failure.outcome === 'unknown';
  return failure.status >= 500 && !nothingDone(failure);
}

/**
 * The failure to report when an earlier attempt may have been carried out: if the last one says "nothing was done", that
 * holds for itself only, so it becomes a `HoldfastUnreachable` with outcome `unknown` and the last one as its cause.
 */
export function inconclusive(failure: Failure, repeat: Repeat): Failure {
  const judgesFirst = repeat === 'same' && failure instanceof HoldfastProblem && CONDITIONS.has(failure.code);
  if (!judgesFirst && !nothingDone(failure)) return failure;
  return new HoldfastUnreachable('an earlier attempt got no answer and may have been carried out', 'unknown', failure);
}

/** Milliseconds to wait before the next attempt (full jitter), or undefined if the service asks for too long. */
export function retryDelayMs(failure: Failure, attempt: number, random: () => number): number | undefined {
  const jitterMs = random() * Math.min(MAX_DELAY_MS, BASE_DELAY_MS * 2 ** attempt);
  const askedMs = failure instanceof HoldfastProblem ? (failure.retryAfterSeconds ?? 0) * 1000 : 0;
  return askedMs > MAX_RETRY_AFTER_MS ? undefined : askedMs + jitterMs;
}

function nothingDone(failure: Failure): boolean {
  if (failure instanceof HoldfastUnreachable) return failure.outcome === 'not-sent';
  return NOTHING_DONE.some((code) => code === failure.code) || failure.status === 429;
}
