import { END_EVENT } from '@holdfast/protocol';

/** Characters of one event that are kept while its end has not come. */
const EVENT_CHARS = 1024 * 1024;

/**
 * Hands out the data of each event of a relay's event stream, and resolves with the data of the one that ended it. The relay writes
 * each event as lines that begin with `event: ` and `data: `, and an empty line. Rejects when the stream ended without telling why.
 */
export async function eventsIn(body: AsyncIterable<Buffer>, onData: (data: string) => void): Promise<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of body) {
    const frames = (rest + decoder.decode(piece, { stream: true })).split('\n\n');
    rest = frames.pop() ?? '';
    if (rest.length > EVENT_CHARS) throw new Error('an event that has no end');
    for (const frame of frames) {
      const data = valueOf(frame, 'data: ');
      if (valueOf(frame, 'event: ') === END_EVENT) return data ?? '';
      if (data !== undefined) onData(data);
    }
  }
  throw new Error('the event stream was cut');
}

function valueOf(frame: string, field: string): string | undefined {
  return frame
    .split('\n')
    .find((line) => line.startsWith(field))
    ?.slice(field.length);
}
