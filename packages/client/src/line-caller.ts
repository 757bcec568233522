import type { Route } from '@holdfast/protocol';

import { lineGroups } from './answer-lines.ts';
import type { Calls, InputOf } from './calls.ts';
import { outgoing } from './caller.ts';
import { HoldfastUnreachable } from './errors.ts';
import { unexpectedAnswer } from './problem.ts';
import type { Outgoing, Requester } from './requester.ts';
import { SilenceWatch } from './silence.ts';

/** The last line of an answer of lines. */
export interface EndLine {
  readonly end: true;
  /** Lines before this one. */
  readonly count: number;
}

/**
 * The lines of an answer as they come, each taken to be JSON; returns the end line. Not begun again by itself. Throws
 * `HoldfastProblem` when refused, `HoldfastUnreachable` when cut before the end, or silent for `timeoutMs`.
 */
export type LineAnswer = AsyncGenerator<unknown, EndLine>;

/** Makes one call of a set of routes that answer line by line. */
export type LineCaller<Set extends { readonly [Id in keyof Set]: Route }> = <Id extends keyof Set>(
  id: Id,
  input: InputOf<Set[Id]>,
) => LineAnswer;

/** Makes calls of these routes by this requester, and asks for their answers line by line. */
export function lineCallerOf<Set extends { readonly [Id in keyof Set]: Route }>(
  requester: Requester,
  calls: Calls<Set>,
): LineCaller<Set> {
  return (id, input) => readLines(requester, askingForLines(outgoing(calls[id], input, {})));
}

function askingForLines(request: Outgoing): Outgoing {
  return { ...request, headers: { ...request.headers, accept: 'application/x-ndjson' } };
}

async function* readLines(requester: Requester, request: Outgoing): LineAnswer {
  const controller = requester.hold();
  const limitMs = requester.timeoutMs;
  const silence = new SilenceWatch(
    limitMs,
    () => true,
    () => controller.abort(cut(`nothing came for ${limitMs} ms`)),
  );
  let count = 0;
  try {
    silence.heard();
    const response = await requester.open(request, controller);
    for await (const group of lineGroups(response, controller.signal)) {
      silence.pause();
      for (const text of group) {
        const line = parseLine(text);
        if (isEnd(line)) return checked(line, count);
        count += 1;
        yield line;
      }
      silence.resume();
    }
    throw cut(`the answer was cut after ${count} lines`);
  } finally {
    silence.pause();
    controller.abort();
    requester.release(controller);
  }
}

function checked(end: EndLine, count: number): EndLine {
  if (end.count !== count) throw cut(`${count} of ${end.count} lines arrived`);
  return end;
}

function isEnd(line: unknown): line is EndLine {
  return typeof line === 'object' && line !== null && 'end' in line && line.end === true;
}

function parseLine(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unexpectedAnswer(200, 'an answer line that is not JSON');
  }
}

function cut(message: string): HoldfastUnreachable {
  return new HoldfastUnreachable(message, 'unknown');
}
