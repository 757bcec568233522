import type { Issue } from '@holdfast/protocol';

import { HoldfastProblem, type ProblemFields } from './errors.ts';

/** Statuses that are worth another try even when what answered is not Holdfast but something in between. */
const RETRYABLE_STATUSES: readonly number[] = [408, 429, 502, 503, 504];

/** Turns an answer that is not a success into the problem it tells of (RFC 9457), or into `unexpected-answer`. */
export function problemOf(status: number, headers: Headers, text: string): HoldfastProblem {
  const retryAfterSeconds = retryAfter(headers.get('retry-after'));
  const body = members(text);
  if (!isOurs(body)) return foreign(status, retryAfterSeconds);
  const {
    type: _type,
    status: _status,
    code,
    title,
    detail,
    remedy,
    retryable,
    issues,
    requestId,
    ...extensions
  } = body;
  return new HoldfastProblem({
    code,
    status,
    title: string(title) ?? code,
    detail: string(detail),
    remedy: string(remedy) ?? '',
    retryable: retryable === true,
    issues: Array.isArray(issues) ? issues.filter(isIssue) : [],
    requestId: string(requestId),
    retryAfterSeconds,
    extensions,
  });
}

/** What came back was not an answer of Holdfast. `detail` must not quote it: it may hold anything. */
export function unexpectedAnswer(
  status: number,
  detail: string,
  more: Partial<Pick<ProblemFields, 'retryable' | 'retryAfterSeconds'>> = {},
): HoldfastProblem {
  return new HoldfastProblem({
    code: 'unexpected-answer',
    status,
    title: 'The answer did not come from Holdfast',
    detail,
    remedy: 'Check the address, and what stands between here and there.',
    retryable: false,
    ...more,
  });
}

/** A parameter that cannot be sent as it is. */
export function unsendable(parameter: string, message: string): HoldfastProblem {
  return new HoldfastProblem({
    code: 'invalid-request',
    status: 0,
    title: 'The request is well-formed but not acceptable',
    detail: `${parameter}: ${message}`,
    remedy: 'Correct what the `issues` list names; nothing was sent.',
    retryable: false,
    issues: [{ path: parameter, message }],
  });
}

function foreign(status: number, retryAfterSeconds: number | undefined): HoldfastProblem {
  const isRedirect = status === 0 || (status >= 300 && status < 400);
  const detail = isRedirect
    ? 'a redirect, which is not followed: the token belongs to one host'
    : `status ${status} without a reason`;
  return unexpectedAnswer(status, detail, { retryable: RETRYABLE_STATUSES.includes(status), retryAfterSeconds });
}

function isOurs(
  body: Readonly<Record<string, unknown>>,
): body is Readonly<Record<string, unknown>> & { readonly code: string } {
  return typeof body['code'] === 'string';
}

function members(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function string(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function isIssue(value: unknown): value is Issue {
  if (typeof value !== 'object' || value === null || !('path' in value) || !('message' in value)) return false;
  return typeof value.path === 'string' && typeof value.message === 'string';
}

/** Seconds, or a date (RFC 9110, 10.2.3). */
function retryAfter(header: string | null): number | undefined {
  if (header === null) return undefined;
  if (/^\d+$/.test(header)) return Number(header);
  const ms = Date.parse(header);
  return Number.isNaN(ms) ? undefined : Math.max(0, (ms - Date.now()) / 1000);
}
