import { type FeedPage, limits, type Now } from '@holdfast/protocol';
import type { Logger } from 'pino';

import { RelayLoop, type RelaySource } from './relay-loop.ts';
import type { Timers } from './timers.ts';
import type { FeedRange, NotDone, Outcome } from './transport.ts';

/** Where what comes by the feed is kept, and how far it was read. */
export interface FeedSink {
  /** Which part of the feed is asked for next. */
  next(): FeedPlace;
  /** Keeps a page that came after the cursor of `next`, and its own cursor with it; resolves when it is durable. */
  take(page: FeedPage): Promise<void>;
  /** The feed does not go on from the cursor: it is to be read from the beginning. Resolves when that is durable. */
  startOver(): Promise<void>;
}

/** A part of the feed, and the place in it from which it is read. */
export interface FeedPlace extends Omit<FeedRange, 'waitSeconds'> {
  /** Whether it is read from the beginning again: who does so waits for nothing before that was settled. */
  readonly isStartingOver: boolean;
}

/** What following needs. */
export interface FeedFollowerOptions {
  readonly sink: FeedSink;
  /** What is followed, as the log calls it. */
  readonly what: string;
  readonly now: Now;
  readonly random: () => number;
  readonly timers: Timers;
  readonly log: Logger;
}

/** How far the node follows a part of the feed. */
export interface FollowStatus {
  /** `off`: the relay is away, or knows no feed. `reading`: there is more to come at once. `following`: it has all there is. */
  readonly state: 'off' | 'reading' | 'following';
  /** When the node last had all there was, in milliseconds; null: not since the start. */
  readonly caughtUpMs: number | null;
}

/** A page that was asked for while the one before it was kept. */
interface AskedAhead {
  readonly after: string;
  readonly signal: AbortSignal;
  readonly asked: Promise<Outcome<FeedPage>>;
}

/**
 * Brings a part of the feed to this node while the link is open (protocol rules 13 to 15): one request to the relay waits for changes
 * all the time.
 */
export class FeedFollower {
  readonly #options: FeedFollowerOptions;
  readonly #loop: RelayLoop;
  #ahead: AskedAhead | undefined;
  #state: FollowStatus['state'] = 'off';
  #caughtUpMs: number | null = null;

  constructor(options: FeedFollowerOptions) {
    this.#options = options;
    this.#loop = new RelayLoop({
      ...options,
      turn: (source, signal) => this.#turn(source, signal),
      unsupported: `the relay has no feed: it is older, and ${options.what} does not come from it`,
    });
  }

  /** How far it is. */
  get status(): FollowStatus {
    return { state: this.#state, caughtUpMs: this.#caughtUpMs };
  }

  /** The link is open: follows until `hold`. May be called while it follows. */
  open(source: RelaySource): void {
    this.#loop.open(source);
  }

  /** The link is not open any more. */
  hold(): void {
    this.#loop.hold();
    this.#state = 'off';
  }

  /** Follows no more; nothing is kept any more when it resolves. */
  async stop(): Promise<void> {
    this.hold();
    await this.#loop.stop();
  }

  async #turn(source: RelaySource, signal: AbortSignal): Promise<NotDone | undefined> {
    try {
      const outcome = await this.#ask(source, signal);
      if (signal.aborted) return undefined;
      if (outcome.kind === 'done') {
        await this.#take(outcome.value);
        return undefined;
      }
      if (!('code' in outcome) || outcome.code !== 'feed-refetch') {
        this.#state = 'off';
        return outcome;
      }
      await this.#startOver();
      return undefined;
    } catch (error) {
      const { log, what } = this.#options;
      log.warn({ err: error }, `${what} could not be kept; it is asked for again`);
      return { kind: 'failed', reason: 'this node could not keep what came', retryAfterMs: 0 };
    }
  }

  async #ask({ transport }: RelaySource, signal: AbortSignal): Promise<Outcome<FeedPage>> {
    const range = this.#range();
    const ahead = this.#ahead;
    this.#ahead = undefined;
    const isAsked = ahead !== undefined && ahead.after === range.after && ahead.signal === signal;
    const outcome = await (isAsked ? ahead.asked : transport.feed(range, signal));
    if (outcome.kind !== 'done' || !outcome.value.more || signal.aborted) return outcome;
    // The relay gets the next page ready while this one is kept.
    const after = outcome.value.cursor;
    this.#ahead = { after, signal, asked: transport.feed({ ...range, after, waitSeconds: 0 }, signal) };
    return outcome;
  }

  #range(): FeedRange {
    const { isStartingOver, ...place } = this.#options.sink.next();
    // Only who has all there is waits for more.
    const isWaiting = this.#state === 'following' && !isStartingOver;
    return { ...place, waitSeconds: isWaiting ? limits.feedWaitSeconds : 0 };
  }

  async #take(page: FeedPage): Promise<void> {
    const { sink, now } = this.#options;
    await sink.take(page);
    this.#state = page.more ? 'reading' : 'following';
    if (!page.more) this.#caughtUpMs = now();
  }

  async #startOver(): Promise<void> {
    const { sink, log, what } = this.#options;
    log.warn(`the feed does not go on from here: ${what} is read from the beginning`);
    this.#state = 'reading';
    await sink.startOver();
  }
}
