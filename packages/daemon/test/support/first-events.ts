import { expect } from 'vitest';

import type { AnyJson, TestDaemon } from './test-daemon.ts';

/** The first events of an event stream, each with its id as `place`. */
export async function firstEvents(
  { url }: Pick<TestDaemon, 'url'>,
  path: string,
  count: number,
  headers: Readonly<Record<string, string>>,
): Promise<AnyJson[]> {
  const ending = new AbortController();
  const answer = await fetch(`${url}${path}`, { headers, signal: ending.signal });
  expect(answer.headers.get('content-type')).toContain('text/event-stream');
  let text = '';
  for await (const piece of answer.body!.pipeThrough(new TextDecoderStream())) {
    text += piece;
    const whole = [...text.matchAll(/^id: ?(.+)\ndata: ?(.+)\n\n/gm)];
    if (whole.length < count) continue;
    ending.abort();
    return whole.map(([, id, data]) => ({ ...(JSON.parse(data!) as object), place: id }));
  }
  throw new Error('the stream ended');
}
