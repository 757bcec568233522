import { z } from 'zod';

import { type ErrorCode, errorCatalogue, errorCodes } from './error-catalogue.ts';
import type { ErrorKind } from './error-kind.ts';

/** One thing wrong with a request: where, and what. */
export const issueSchema = z.object({
  path: z.string().meta({ description: 'Where, as a path into the body or the name of a parameter' }),
  message: z.string(),
});

/** One thing wrong with a request: where, and what. */
export type Issue = z.infer<typeof issueSchema>;

/** Problem details (RFC 9457): the body of every error answer. */
export const problemSchema = z.looseObject({
  type: z.string().meta({ description: '`urn:holdfast:error:<code>`' }),
  title: z.string(),
  status: z.number().int(),
  code: z.enum(errorCodes as [ErrorCode, ...ErrorCode[]]),
  detail: z.string().optional(),
  remedy: z.string(),
  retryable: z.boolean(),
  requestId: z.string().optional(),
  issues: z.array(issueSchema).optional(),
});

/** Problem details (RFC 9457). */
export type Problem = z.infer<typeof problemSchema>;

/** What an error may carry besides its code and detail. */
export interface ErrorOptions {
  /** The error underneath; logged, never sent. */
  readonly cause?: unknown;
  /** Places and reasons, for `invalid-request`. */
  readonly issues?: readonly Issue[];
  /** For retryable errors: how long to wait, in seconds (sent as Retry-After). */
  readonly retryAfterSeconds?: number;
  /** Further members of the problem, such as the relay's cursor. Must not repeat a standard member. */
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** A failure of the world or of a caller, with a code from the catalogue. Our own bugs throw plain errors instead. */
export class HoldfastError extends Error {
  override readonly name = 'HoldfastError';
  readonly code: ErrorCode;
  readonly issues: readonly Issue[];
  readonly retryAfterSeconds: number | undefined;
  readonly extensions: Readonly<Record<string, unknown>>;

  /** `detail` says what happened this time; it must hold no secret and no part of a document. */
  constructor(code: ErrorCode, detail: string, options: ErrorOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.issues = options.issues ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.extensions = options.extensions ?? {};
  }

  /** The code's entry in the catalogue. */
  get kind(): ErrorKind {
    return errorCatalogue[this.code];
  }

  /** The error as it goes over the wire: never a stack, never the cause. */
  toProblem(requestId?: string): Problem {
    return {
      ...this.extensions,
      type: `urn:holdfast:error:${this.code}`,
      title: this.kind.title,
      status: this.kind.status,
      code: this.code,
      detail: this.message,
      remedy: this.kind.remedy,
      retryable: this.kind.retryable,
      ...(this.issues.length > 0 && { issues: [...this.issues] }),
      ...(requestId !== undefined && { requestId }),
    };
  }
}

/** Whether `error` is a HoldfastError, with that code if one is given. */
export function isHoldfastError(error: unknown, code?: ErrorCode): error is HoldfastError {
  return error instanceof HoldfastError && (code === undefined || error.code === code);
}

/** Turns a failed zod parse into `invalid-request`, each issue with its path. `place` names what was parsed. */
export function invalidRequest(place: string, error: z.ZodError): HoldfastError {
  const issues = error.issues.slice(0, 20).map((issue) => ({
    path: [place, ...issue.path.map(String)].join('.'),
    message: issue.message,
  }));
  const first = issues[0];
  const detail = first ? `${first.path}: ${first.message}` : `${place} is not valid`;
  return new HoldfastError('invalid-request', detail, { issues });
}
