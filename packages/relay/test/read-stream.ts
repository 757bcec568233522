import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';

/** An event of a stream, its data as JSON. */
export interface ReadEvent {
  readonly id?: string;
  readonly event?: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** An event stream of a relay, as far as it was read. */
export class ReadStream {
  readonly #answer: IncomingMessage;
  readonly #frames: string[] = [];

  constructor(answer: IncomingMessage) {
    this.#answer = answer;
    let rest = '';
    answer.setEncoding('utf8').on('data', (part: string) => {
      const frames = (rest + part).split('\n\n');
      rest = frames.pop() ?? '';
      this.#frames.push(...frames);
      if (frames.length > 0) answer.emit('frames');
    });
    answer.on('error', () => undefined);
  }

  /** Its events so far. */
  get events(): readonly ReadEvent[] {
    const fields = this.#frames.map((frame) => Object.fromEntries(frame.split('\n').map(fieldOf)));
    return fields.flatMap(({ data, ...rest }) =>
      data === undefined ? [] : [{ ...rest, data: JSON.parse(data) as ReadEvent['data'] }],
    );
  }

  /** Waits for an event with some text. */
  async until(part: string): Promise<void> {
    for (let looked = 0; ;) {
      if (this.#frames.slice(looked).some((frame) => frame.includes(part))) return;
      looked = this.#frames.length;
      await once(this.#answer, 'frames');
    }
  }

  /** Waits until there are so many events, by default of any kind. */
  async eventsUntil(count: number, event?: string): Promise<readonly ReadEvent[]> {
    const isMeant = (each: ReadEvent): boolean => event === undefined || each.event === event;
    while (this.events.filter(isMeant).length < count) await once(this.#answer, 'frames');
    return this.events;
  }

  /** All of it, once it ended. */
  async ended(): Promise<string> {
    if (!this.#answer.closed) await once(this.#answer, 'close');
    return this.#frames.join('\n\n');
  }

  /** Takes nothing more, until `resume`. */
  pause(): void {
    this.#answer.pause();
  }

  resume(): void {
    this.#answer.resume();
  }

  close(): void {
    this.#answer.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function fieldOf(line: string): [string, string] {
  const cut = line.indexOf(': ');
  return [line.slice(0, cut), line.slice(cut + 2)];
}
