import type { ReadHeader } from './identity.ts';

const JSON_TYPE = 'application/json';
const LINES = 'application/x-ndjson';
const EVENTS = 'text/event-stream';

/** Whether the caller wants the answer line by line: its `Accept` names `application/x-ndjson`, and before `application/json`. */
export function wantsLines(header: ReadHeader): boolean {
  return firstNamed(header, [LINES, JSON_TYPE]) === LINES;
}

/** Whether the caller wants events: its `Accept` names `text/event-stream`, and before JSON and lines of it. */
export function wantsEvents(header: ReadHeader): boolean {
  return firstNamed(header, [EVENTS, LINES, JSON_TYPE]) === EVENTS;
}

function firstNamed(header: ReadHeader, types: readonly string[]): string | undefined {
  const accepted = (header('accept') ?? '').split(',').map((range) => range.split(';')[0]?.trim().toLowerCase() ?? '');
  return accepted.find((type) => types.includes(type));
}
