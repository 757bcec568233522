import { unexpectedAnswer } from './problem.ts';

/** One event as it came (server-sent events, WHATWG HTML). */
export interface RawEvent {
  /** The last id the stream gave, by this event or one before it; empty if it gave none. */
  readonly id: string;
  /** `message` unless the stream named another kind. */
  readonly event: string;
  readonly data: string;
}

/** Characters of one event that are kept while its end has not come. */
const EVENT_CHARS = 8 * 1024 * 1024;

/** Makes events of the text of an event stream, piece by piece. An event whose end never comes is none. */
export class EventParser {
  #rest = '';
  #id: string;
  #place: string;
  #event = '';
  #data: string[] = [];
  #chars = 0;

  /** `id` is the one the stream goes on from. */
  constructor(id = '') {
    this.#id = id;
    this.#place = id;
  }

  /** The last id the stream gave, also by an event without data, which is none. */
  get place(): string {
    return this.#place;
  }

  /** The events that are whole with this piece. Throws `unexpected-answer` for one that has no end. */
  *take(piece: string): Generator<RawEvent> {
    const text = this.#rest + piece;
    // A CR at the end of the piece may be the first half of a CRLF: it waits for what follows.
    const end = text.endsWith('\r') ? text.length - 1 : text.length;
    const lines = text.slice(0, end).split(/\r\n|\r|\n/);
    this.#rest = (lines.pop() ?? '') + text.slice(end);
    for (const line of lines) {
      this.#bound(line.length);
      if (line !== '') this.#field(line);
      else yield* this.#whole();
    }
    this.#bound(this.#rest.length, 0);
  }

  #bound(chars: number, kept: number = chars): void {
    if (this.#chars + chars > EVENT_CHARS) throw unexpectedAnswer(200, 'an event that has no end');
    this.#chars += kept;
  }

  #field(line: string): void {
    const cut = line.indexOf(':');
    const name = cut === -1 ? line : line.slice(0, cut);
    const value = cut === -1 ? '' : line.slice(line.charAt(cut + 1) === ' ' ? cut + 2 : cut + 1);
    if (name === 'data') this.#data.push(value);
    if (name === 'event') this.#event = value;
    if (name === 'id' && !value.includes('\0')) this.#id = value;
  }

  *#whole(): Generator<RawEvent> {
    const [event, data] = [this.#event, this.#data];
    this.#event = '';
    this.#data = [];
    this.#chars = 0;
    this.#place = this.#id;
    if (data.length > 0) yield { id: this.#id, event: event === '' ? 'message' : event, data: data.join('\n') };
  }
}
