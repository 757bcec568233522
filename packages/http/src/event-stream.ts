import type { ServerResponse } from 'node:http';

import { END_EVENT, type HoldfastError } from '@holdfast/protocol';

import { inBurst } from './burst.ts';
import type { ServerEvent, ServerEvents } from './call.ts';
import { drained } from './drained.ts';
import { eventFrame, HEARTBEAT, retryFrame } from './event-frame.ts';

/** How long browsers wait before they connect again. */
const RETRY_MS = 1_000;
/** Events that come at once travel together, up to so many characters. */
const PIECE_CHARS = 64 * 1024;

/** What an event stream needs besides its events. */
export interface EventStreamOptions {
  /** A reader that takes nothing for so long, while something waits for it, is cut off. */
  readonly stallMs: number;
  readonly requestId: string;
  /** Throws, or rejects, when the reader may not listen any more. */
  readonly recheck: () => void | Promise<void>;
  /** Makes a failure of the source, or of the check, one of the catalogue. */
  readonly catalogue: (error: unknown) => HoldfastError;
  /** Called once, when the stream ended: with its error, or by whom. */
  readonly onEnd: (reason: HoldfastError | 'reader' | 'source') => void;
}

/** One event stream under way. Its head was sent. While its source is silent, it costs nothing but heartbeats. */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #options: EventStreamOptions;
  readonly #flush = (): void => {
    if (this.#gathered !== '') this.#response.write(this.#gathered);
    this.#gathered = '';
  };
  #gathered = '';
  #isQuiet = false;
  #isOver = false;

  constructor(response: ServerResponse, options: EventStreamOptions) {
    this.#response = response;
    this.#options = options;
    response.once('close', () => this.#settle('reader'));
    this.#gather(retryFrame(RETRY_MS));
  }

  /** Sends events as they come and as they are taken, until one side ends. Never rejects. */
  async run(events: ServerEvents): Promise<void> {
    try {
      for await (const group of events) {
        for (const event of isGroup(group) ? group : [group]) {
          if (this.#isOver) return;
          this.#gather(eventFrame(event));
          if (this.#gathered.length >= PIECE_CHARS) this.#flush();
          if (this.#response.writableNeedDrain) await this.#taken();
        }
        if (!isGroup(group)) continue;
        // What came together waits for no others, and the next for it to be taken.
        this.#flush();
        if (this.#response.writableNeedDrain) await this.#taken();
      }
      this.#finish('source');
    } catch (error) {
      this.end(this.#options.catalogue(error));
    }
  }

  /**
   * Lets a dead connection show itself, unless something was sent since the last time or still waits. Ends the stream if the reader may
   * not listen any more. Never rejects.
   */
  async beat(): Promise<void> {
    const isQuiet = this.#isQuiet;
    this.#isQuiet = true;
    if (isQuiet && !this.#response.writableNeedDrain) this.#response.write(HEARTBEAT);
    try {
      await this.#options.recheck();
    } catch (error) {
      this.end(this.#options.catalogue(error));
    }
  }

  /** Ends the stream, with the reason as its last event. */
  end(reason: HoldfastError): void {
    if (this.#isOver) return;
    this.#gather(eventFrame({ event: END_EVENT, data: JSON.stringify(reason.toProblem(this.#options.requestId)) }));
    this.#finish(reason);
  }

  #taken(): Promise<void> {
    return drained(this.#response, this.#options.stallMs);
  }

  #gather(frame: string): void {
    if (this.#gathered === '') inBurst(this.#flush);
    this.#gathered += frame;
    this.#isQuiet = false;
  }

  #finish(reason: HoldfastError | 'source'): void {
    if (this.#isOver) return;
    this.#flush();
    this.#response.socket?.setTimeout(this.#options.stallMs);
    this.#response.end();
    this.#settle(reason);
  }

  #settle(reason: HoldfastError | 'reader' | 'source'): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#gathered = '';
    this.#options.onEnd(reason);
  }
}

function isGroup(events: ServerEvent | readonly ServerEvent[]): events is readonly ServerEvent[] {
  return Array.isArray(events);
}
