import { type FeedPage, limits, type Now, SHARED_AGENT } from '@holdfast/protocol';
import type { AgentStore, TakenIn } from '@holdfast/store';
import type { Logger } from 'pino';

import { RelayLoop, type RelaySource } from './relay-loop.ts';
import type { Timers } from './timers.ts';
import type { FeedRange, NotDone, Outcome } from './transport.ts';

/** Where what all nodes share is kept on this one. */
export interface SharedFile {
  /** Undefined while nothing was ever shared here. To be used at once. */
  found(): AgentStore | undefined;
  /** Makes the file if there is none. To be used at once. */
  made(): AgentStore;
  /** Records came from other nodes. */
  onTaken(taken: TakenIn): void;
}

/** What following needs. */
export interface FeedFollowerOptions {
  readonly shared: SharedFile;
  readonly now: Now;
  readonly random: () => number;
  readonly timers: Timers;
  readonly log: Logger;
}

/** How far the node follows what all nodes share. */
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
 * Brings what other nodes shared to this one while the link is open (protocol rules 13 to 15): one request to the relay waits for
 * changes all the time. Until something was shared there is no file for it.
 */
export class FeedFollower {
  readonly #options: FeedFollowerOptions;
  readonly #loop: RelayLoop;
  /** Where it stands while there is no file to note it in. */
  #cursor: string | undefined;
  #ahead: AskedAhead | undefined;
  #state: FollowStatus['state'] = 'off';
  #caughtUpMs: number | null = null;

  constructor(options: FeedFollowerOptions) {
    this.#options = options;
    this.#loop = new RelayLoop({
      ...options,
      turn: (source, signal) => this.#turn(source, signal),
      unsupported: 'the relay has no feed: it is older, and nothing that others share comes from it',
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
      this.#options.log.warn({ err: error }, 'what other nodes share could not be kept; it is asked for again');
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
    const store = this.#options.shared.found();
    const after = store === undefined ? this.#cursor : (store.feed.intake.standing.cursor ?? undefined);
    // Only who has all there is waits for more.
    const isWaiting = this.#state === 'following' && store?.feed.intake.standing.isStartingOver !== true;
    return {
      agents: SHARED_AGENT,
      after,
      waitSeconds: isWaiting ? limits.feedWaitSeconds : 0,
      incarnation: store?.incarnation,
    };
  }

  async #take(page: FeedPage): Promise<void> {
    const { shared, now } = this.#options;
    if (page.changes.length > 0 || shared.found() !== undefined) await this.#keep(page);
    else this.#cursor = page.cursor;
    this.#state = page.more ? 'reading' : 'following';
    if (!page.more) this.#caughtUpMs = now();
  }

  async #keep(page: FeedPage): Promise<void> {
    const { shared } = this.#options;
    const { intake } = shared.made().feed;
    shared.onTaken(await intake.take(page));
    if (page.more || !intake.standing.isStartingOver || page.stream === null) return;
    for (let more = true; more;) {
      const settled = await shared.made().feed.intake.finish(page.stream);
      shared.onTaken(settled);
      more = settled.more;
    }
  }

  async #startOver(): Promise<void> {
    this.#options.log.warn('the feed of what nodes share does not go on from here: it is read from the beginning');
    this.#cursor = undefined;
    this.#state = 'reading';
    await this.#options.shared.found()?.feed.intake.startOver();
  }
}
