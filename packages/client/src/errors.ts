import type { ErrorCode, Issue } from '@holdfast/protocol';

/**
 * A code of the error catalogue; `unexpected-answer` when the answer was not Holdfast's (a proxy's page, a redirect);
 * or a code that a newer service knows and this client does not.
 */
export type ProblemCode = ErrorCode | 'unexpected-answer' | (string & Record<never, never>);

/** What a `HoldfastProblem` is made of. */
export interface ProblemFields {
  readonly code: ProblemCode;
  /** HTTP status; 0 if the client refused by itself and nothing was sent. */
  readonly status: number;
  readonly title: string;
  readonly detail?: string | undefined;
  readonly remedy: string;
  readonly retryable: boolean;
  readonly issues?: readonly Issue[] | undefined;
  readonly requestId?: string | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
}

/** A request that was refused, by the service or, with status 0, by the client before anything was sent (RFC 9457). */
export class HoldfastProblem extends Error {
  override readonly name = 'HoldfastProblem';
  readonly code: ProblemCode;
  /** HTTP status; 0 if nothing was sent. */
  readonly status: number;
  /** One line naming the failure, the same for every occurrence. */
  readonly title: string;
  /** What happened this time; empty if the service did not say. */
  readonly detail: string;
  /** What the caller or operator does about it. */
  readonly remedy: string;
  /** Whether the same request may succeed later without any change. */
  readonly retryable: boolean;
  /** Places and reasons, for `invalid-request`. */
  readonly issues: readonly Issue[];
  /** Names the request in the service's log. */
  readonly requestId: string | undefined;
  /** How long the service asks to wait, in seconds. */
  readonly retryAfterSeconds: number | undefined;
  /** What the problem tells beside what every problem does (RFC 9457, 3.2), as the service sent it. */
  readonly extensions: Readonly<Record<string, unknown>>;

  constructor(fields: ProblemFields) {
    super(fields.detail ? `${fields.title}: ${fields.detail}` : fields.title);
    this.code = fields.code;
    this.status = fields.status;
    this.title = fields.title;
    this.detail = fields.detail ?? '';
    this.remedy = fields.remedy;
    this.retryable = fields.retryable;
    this.issues = fields.issues ?? [];
    this.requestId = fields.requestId;
    this.retryAfterSeconds = fields.retryAfterSeconds;
    this.extensions = fields.extensions ?? {};
  }
}

/** What is known of a request that got no answer: it never left, or it may or may not have been carried out. */
export type Outcome = 'not-sent' | 'unknown';

/**
 * No usable answer: no connection, no answer in time, an answer cut short, or, after such an attempt, a repetition whose
 * answer cannot tell whether the first had been carried out. `cause` holds the error underneath.
 */
export class HoldfastUnreachable extends Error {
  override readonly name = 'HoldfastUnreachable';
  /** For a write: `unknown` means read the record before writing again. */
  readonly outcome: Outcome;

  constructor(message: string, outcome: Outcome, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.outcome = outcome;
  }
}
