import type { Now, SessionAnswer, WaitingChanges } from '@holdfast/protocol';
import type { Logger } from 'pino';

import { retryDelayMs } from './backoff.ts';
import { type LinkEffect, type LinkEvent, type LinkState, linkTransitions } from './link-machine.ts';
import type { Timers } from './timers.ts';
import type { LinkFailure, Outcome, Transport } from './transport.ts';

/** A refused link is tried again this often: an operator may have mended it. */
const SLOW_RETRY_MS = 60_000;
/** See `Link.hurry`. */
const HURRY_EVERY_MS = 5000;

/** What a link needs. */
export interface LinkOptions {
  readonly boot: string;
  /** Earlier starts, for the relay to recognise this one as their successor. */
  readonly predecessors: () => readonly string[];
  /** What waits, for the relay to tell; undefined while that is not known. */
  readonly waiting: () => WaitingChanges[] | undefined;
  /** See `SyncOptions`. */
  readonly networkFence: (() => number) | undefined;
  readonly heartbeatMs: number;
  readonly now: Now;
  /** See `LaneContext.moment`. */
  readonly moment: () => number;
  readonly random: () => number;
  readonly timers: Timers;
  readonly log: Logger;
  /** The session is open or renewed. `askedAt` is the moment it was asked for. */
  readonly onOpen: (answer: SessionAnswer, askedAt: number) => void;
  /** The link is not open any more. */
  readonly onHold: () => void;
}

/** What there is to say about a link. */
export interface LinkStatus {
  readonly state: LinkState;
  readonly lastContactMs: number | null;
  /** Why it is not open; null while it is. */
  readonly error: string | null;
}

/** Drives the link machine: opens the session, renews it, and never gives up (protocol rules 7 and 9). */
export class Link {
  readonly #options: LinkOptions;
  readonly #effects: Readonly<Record<LinkEffect, () => void>>;
  #transport: Transport | undefined;
  #state: LinkState = 'off';
  #failures = 0;
  #isHurried = false;
  #retryAfterMs = 0;
  #lastContactMs: number | null = null;
  #error: string | null = null;
  #answer: { readonly value: SessionAnswer; readonly askedAt: number } | undefined;
  #disarm: () => void = () => undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#effects = {
      'open-session': () => void this.#openSession(),
      'release-streams': () => this.#release(),
      'hold-streams': () => options.onHold(),
      'arm-heartbeat': () => this.#arm(options.heartbeatMs),
      'arm-retry': () => this.#arm(retryDelayMs(this.#failures, options.random, this.#retryAfterMs)),
      'arm-slow-retry': () => this.#arm(SLOW_RETRY_MS),
      alarm: () =>
        options.log.error({ reason: this.#error }, 'the relay does not take this node: sync rests, data is kept'),
    };
  }

  /** The link as it is. */
  get status(): LinkStatus {
    return { state: this.#state, lastContactMs: this.#lastContactMs, error: this.#error };
  }

  /** The node belongs to a relay from now on: opens the link. */
  enrol(transport: Transport): void {
    this.#transport = transport;
    this.#dispatch('enrolled');
  }

  /**
   * What came of a stream's call to the relay, in so far as it tells of the link. Returns whether the outcome was about
   * the link and not about the call. Backoff begins anew only once a call was done, not with every session: what breaks
   * connections while sessions open well is waited for ever longer.
   */
  report(outcome: Outcome<unknown>): outcome is LinkFailure {
    if (outcome.kind === 'done') this.#failures = 0;
    return this.#note(outcome);
  }

  /**
   * Somebody needs the relay now: asks it at once whether it is there, instead of when its turn comes. At most once in five
   * seconds, and not before a wait that the relay itself named is over.
   */
  hurry(): void {
    if (this.#isHurried || this.#retryAfterMs > 0) return;
    if (this.#state !== 'waiting' && this.#state !== 'open') return;
    this.#isHurried = true;
    this.#options.timers.after(HURRY_EVERY_MS, () => (this.#isHurried = false));
    this.#disarm();
    this.#dispatch('timer');
  }

  /** Stops for good. */
  stop(): void {
    this.#disarm();
    this.#transport = undefined;
    this.#state = 'off';
  }

  async #openSession(): Promise<void> {
    const askedAt = this.#options.moment();
    const outcome = await this.#askSession();
    if (outcome === undefined || this.#transport === undefined || this.#note(outcome)) return;
    if (outcome.kind !== 'done') {
      this.#retryAfterMs = outcome.kind === 'failed' ? outcome.retryAfterMs : 0;
      this.#fail('lost', 'reason' in outcome ? outcome.reason : 'the relay answered with a cursor');
      return;
    }
    this.#answer = { value: outcome.value, askedAt };
    if (this.#state === 'open') this.#failures = 0;
    this.#retryAfterMs = 0;
    this.#error = null;
    this.#dispatch('opened');
  }

  async #askSession(): Promise<Outcome<SessionAnswer> | undefined> {
    const { boot, predecessors, networkFence } = this.#options;
    try {
      const waiting = this.#options.waiting();
      return await this.#transport?.session({
        boot,
        predecessors: [...predecessors()],
        ...(waiting && { waiting }),
        ...(networkFence && { fence: networkFence() }),
      });
    } catch (error) {
      return { kind: 'failed', reason: `the session could not be asked for: ${String(error)}`, retryAfterMs: 0 };
    }
  }

  #note(outcome: Outcome<unknown>): outcome is LinkFailure {
    if (outcome.kind === 'lost' || outcome.kind === 'refused' || outcome.kind === 'superseded') {
      this.#retryAfterMs = 0;
      this.#fail(outcome.kind, outcome.reason);
      return true;
    }
    this.#lastContactMs = this.#options.now();
    return false;
  }

  #fail(event: 'lost' | 'refused' | 'superseded', reason: string): void {
    this.#failures += 1;
    this.#error = reason;
    this.#dispatch(event);
  }

  #dispatch(event: LinkEvent): void {
    const before = this.#state;
    const { to, effects } = linkTransitions[before][event];
    this.#state = to;
    if (before !== to) this.#options.log.info({ from: before, to, reason: this.#error ?? undefined }, 'link');
    for (const effect of effects) this.#effects[effect]();
  }

  #release(): void {
    if (this.#answer !== undefined) this.#options.onOpen(this.#answer.value, this.#answer.askedAt);
  }

  #arm(delayMs: number): void {
    this.#disarm();
    this.#disarm = this.#options.timers.after(delayMs, () => this.#dispatch('timer'));
  }
}
