import type { ServerEvent } from './call.ts';

const LINE_END = /\r\n|\r|\n/;
// oxlint-disable-next-line no-control-regex
const NOT_ONE_LINE = /[\r\n\u0000]/;

/** Tells the reader that the stream lasts: a comment, which is no event. */
export const HEARTBEAT = ':\n\n';

/** Tells browsers how long to wait before they connect again. */
export function retryFrame(ms: number): string {
  return `retry: ${ms}\n\n`;
}

/** The frames of events that were sent already: one event may go to many readers. */
const frames = new WeakMap<ServerEvent, string>();

/** An event as it goes over the wire: a `data` line for each line of its data, none without data. Throws a plain error for an id or name of two lines. */
export function eventFrame(event: ServerEvent): string {
  const known = frames.get(event);
  if (known !== undefined) return known;
  const frame = frameOf(event);
  frames.set(event, frame);
  return frame;
}

function frameOf({ id, event, data }: ServerEvent): string {
  let frame = '';
  if (id !== undefined) frame += `id: ${oneLine(id)}\n`;
  if (event !== undefined) frame += `event: ${oneLine(event)}\n`;
  for (const line of data?.split(LINE_END) ?? []) frame += `data: ${line}\n`;
  return `${frame}\n`;
}

function oneLine(text: string): string {
  if (NOT_ONE_LINE.test(text)) throw new Error('the id and the name of an event are one line each');
  return text;
}
