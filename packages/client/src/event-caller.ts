import type { Route } from '@holdfast/protocol';

import type { AnswerOf, Calls, InputOf } from './calls.ts';
import { outgoing } from './caller.ts';
import type { RawEvent } from './event-parser.ts';
import { EventReader, type ResumeOptions } from './event-reader.ts';
import { unexpectedAnswer } from './problem.ts';
import type { Requester } from './requester.ts';

/** An event of a stream, its data taken to be what the route's type says. */
export interface ReceivedEvent<T> {
  /** Where to go on from, as `after`; empty if the stream gives no ids. */
  readonly id: string;
  readonly event: string;
  readonly data: T;
}

/**
 * Reads events of a route that answers with an event stream, for ever: until the loop is left, or `signal` aborts.
 *
 * The first attempt to open the stream is repeated as that of any call. Once it was open, a cut, an end by the service or silence
 * make it open the stream again, as often as needed, with full jitter, from the last id it got. Throws `HoldfastProblem` when
 * refused for good, and `HoldfastUnreachable` if the stream could not be opened at all or the client was closed.
 */
export type EventCaller<Set extends { readonly [Id in keyof Set]: Route }> = <Id extends keyof Set>(
  id: Id,
  input: InputOf<Set[Id]>,
  options?: ResumeOptions,
) => AsyncGenerator<ReceivedEvent<AnswerOf<Set[Id]>>, void>;

/** Reads event streams of these routes by this requester. */
export function eventCallerOf<Set extends { readonly [Id in keyof Set]: Route }>(
  requester: Requester,
  calls: Calls<Set>,
): EventCaller<Set> {
  return async function* (id, input, options = {}) {
    const reader = new EventReader(requester, outgoing(calls[id], input, {}), options);
    for await (const event of reader.events()) {
      yield { id: event.id, event: event.event, data: parse(event) as AnswerOf<Set[typeof id]> };
    }
  };
}

function parse({ data }: RawEvent): unknown {
  try {
    return JSON.parse(data);
  } catch {
    throw unexpectedAnswer(200, 'an event that is not JSON');
  }
}
