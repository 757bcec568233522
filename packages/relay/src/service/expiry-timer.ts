import type { Now } from '@holdfast/protocol';
import { SteadyTime } from '@holdfast/store';
import type { Logger } from 'pino';

import type { RelayStore } from '../storage/relay-store.ts';

/** Records removed in one transaction, so that batches are not kept waiting. */
const STEP_RECORDS = 500;

/**
 * How long what has expired is still kept, invisible: whoever reads the feed and is not further behind than that has met it, and need
 * not start over (protocol rule 15).
 */
const KEPT_MS = 3_600_000;

/** What the timer needs. */
export interface ExpiryTimerOptions {
  readonly store: RelayStore;
  readonly seconds: number;
  readonly now: Now;
  readonly log: Logger;
}

/** Sweeps expired records away at intervals (protocol rule 16), in small steps. */
export class ExpiryTimer {
  readonly #options: ExpiryTimerOptions;
  readonly #time: SteadyTime;
  readonly #timer: NodeJS.Timeout;
  #sweeping: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: ExpiryTimerOptions) {
    this.#options = options;
    const { now, log } = options;
    this.#time = new SteadyTime({
      now,
      onLeap: (aheadMs) => log.warn({ aheadMs }, 'the clock leapt ahead: what expired by it is kept for a day'),
    });
    this.#timer = setInterval(() => {
      this.#sweeping ??= this.#sweep().finally(() => {
        this.#sweeping = undefined;
      });
    }, options.seconds * 1000);
  }

  /** Sweeps no more; resolves when the step under way is done. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await this.#sweeping;
  }

  async #sweep(): Promise<void> {
    const { store, log } = this.#options;
    let removed = 0;
    try {
      for (let step = STEP_RECORDS; step === STEP_RECORDS && !this.#isStopped; removed += step) {
        step = await store.sweepExpired(this.#time.now() - KEPT_MS, STEP_RECORDS);
      }
    } catch (error) {
      log.warn({ err: error }, 'expired records could not be swept; trying again later');
    }
    if (removed > 0) log.debug({ removed }, 'swept expired records');
  }
}
