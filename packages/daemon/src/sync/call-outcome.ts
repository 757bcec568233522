import {
  type CallOutcome,
  type CallProblem,
  HoldfastError,
  isErrorCode,
  isHoldfastError,
  type Json,
  limits,
  utf8Length,
} from '@holdfast/protocol';

/** An answer as it travels. One that is too large is a bug of its handler. */
export function answered(answer: Json): CallOutcome {
  if (utf8Length(JSON.stringify(answer)) <= limits.callBytes) return { answer };
  throw new Error(`the answer to a call is over ${limits.callBytes} bytes`);
}

/** A failure as it travels. What is none of the catalogue is a bug here: its own words stay in the log. */
export function refused(error: unknown): CallOutcome {
  if (!isHoldfastError(error)) {
    return { problem: { code: 'internal', detail: 'unexpected failure on the other node; its log has it' } };
  }
  const { code, message, issues, retryAfterSeconds, extensions } = error;
  const problem: CallProblem = {
    code,
    detail: message,
    ...(issues.length > 0 && { issues: [...issues] }),
    ...(retryAfterSeconds !== undefined && { retry_after_seconds: retryAfterSeconds }),
    ...(Object.keys(extensions).length > 0 && { extensions: { ...extensions } }),
  };
  return { problem };
}

/** What another node answered; throws what it threw, `internal` for a code of a later release. */
export function answerOf(outcome: CallOutcome): Json {
  // It came as JSON.
  if ('answer' in outcome) return outcome.answer as Json;
  const { code, detail, issues, retry_after_seconds: retryAfterSeconds, extensions } = outcome.problem;
  if (!isErrorCode(code)) throw new HoldfastError('internal', `the other node answered ${code}: ${detail}`);
  throw new HoldfastError(code, detail, {
    ...(issues && { issues }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    ...(extensions && { extensions }),
  });
}
