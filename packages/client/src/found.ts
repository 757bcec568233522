import type { Answered } from './caller.ts';
import { HoldfastProblem } from './errors.ts';
import { unexpectedAnswer } from './problem.ts';

/** Something read, with the version it has. */
export interface Versioned {
  readonly value: unknown;
  readonly version: string;
}

const nothings: ReadonlySet<string> = new Set([
  'record-not-found',
  'collection-not-found',
  'dead-letter-not-found',
  'subscription-not-found',
]);

/** What was read, or undefined for "no such thing". An answer without an ETag is `unexpected-answer`. */
export async function found(answer: Promise<Answered<unknown>>): Promise<Versioned | undefined> {
  const read = await orNothing(answer);
  if (read === undefined) return undefined;
  const { value, version } = read;
  if (version === undefined) throw unexpectedAnswer(200, 'a document without an ETag');
  return { value, version };
}

/** Undefined for "no such record", collection, dead letter or subscription; every other failure stays one, also other 404s. */
export async function orNothing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof HoldfastProblem && nothings.has(error.code)) return undefined;
    throw error;
  }
}
