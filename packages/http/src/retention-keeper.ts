import {
  HoldfastError,
  type Now,
  type RetentionAnswer,
  type RetentionOwner,
  type RetentionRun,
} from '@holdfast/protocol';
import type { Logger } from 'pino';
import type { Counter, Registry } from 'prom-client';

import { countersOf } from './metric-makers.ts';

const HOUR_MS = 3_600_000;

/** From the start to the first run, unless runs are more often: what was due while the service was down is made up for. */
const FIRST_AFTER_MS = 10 * 60_000;

/** What is to be removed. */
export interface RetentionDemand {
  /** Nothing is removed, all is counted. */
  readonly isDryRun: boolean;
  /** Of this agent alone. */
  readonly agent?: string | undefined;
  /** Asked between two steps: the rest is left for the next run. */
  readonly isStopped: () => boolean;
}

/** Where a service keeps records, and removes them. */
export interface RetentionSource {
  /** Removes what is declared to be kept no longer, in small steps. */
  remove(demand: RetentionDemand): Promise<Pick<RetentionRun, 'freed_bytes' | 'agents'>>;
  /** What is declared. */
  declared(): Promise<RetentionAnswer['declared']>;
}

/** What keeping to retention needs. */
export interface RetentionKeeperOptions {
  readonly source: RetentionSource;
  /** 0: only when asked. */
  readonly everyHours: number;
  readonly registry: Registry;
  readonly log: Logger;
  readonly now: Now;
}

/** Removes records that are kept no longer (protocol rule 17), on schedule and when asked; one run at a time. */
export class RetentionKeeper {
  readonly #options: RetentionKeeperOptions;
  readonly #records: Counter;
  readonly #bytes: Counter;
  #lastRun: RetentionRun | null = null;
  #running: Promise<unknown> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #nextAtMs: number | null = null;
  #isStopped = false;

  constructor(options: RetentionKeeperOptions) {
    this.#options = options;
    const counter = countersOf(options.registry);
    this.#records = counter('holdfast_retention_removed_records_total', 'Records removed by declared retention');
    this.#bytes = counter('holdfast_retention_removed_bytes_total', 'Bytes of the documents of these');
  }

  /** Runs on schedule from now on. */
  begin(): void {
    const everyMs = this.#options.everyHours * HOUR_MS;
    if (everyMs > 0) this.#arm(Math.min(FIRST_AFTER_MS, everyMs));
  }

  /** Runs no more; resolves when the step under way is done. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#running?.catch(() => undefined);
  }

  /** Runs now. Throws `work-under-way`, and what the source throws. */
  async run({ isDryRun, agent }: Pick<RetentionDemand, 'isDryRun' | 'agent'>): Promise<RetentionRun> {
    if (this.#running !== undefined)
      throw new HoldfastError('work-under-way', 'retention is being carried out already');
    const running = this.#run({ isDryRun, agent, isStopped: () => this.#isStopped });
    this.#running = running;
    try {
      return await running;
    } finally {
      this.#running = undefined;
    }
  }

  /** What is declared, when it is carried out, and what came of it last. */
  async show(): Promise<RetentionAnswer> {
    return {
      every_hours: this.#options.everyHours,
      next_at: this.#nextAtMs === null ? null : timestamp(this.#nextAtMs),
      last_run: this.#lastRun,
      declared: await this.#options.source.declared(),
    };
  }

  async #run(demand: RetentionDemand): Promise<RetentionRun> {
    const { source, now, log } = this.#options;
    const at = timestamp(now());
    const { agents, freed_bytes: freedBytes } = await source.remove(demand);
    const collections = agents.flatMap((owner: RetentionOwner) => owner.collections);
    const records = collections.reduce((sum, each) => sum + each.records, 0);
    const bytes = collections.reduce((sum, each) => sum + each.bytes, 0);
    const run = { at, dry_run: demand.isDryRun, records, bytes, freed_bytes: freedBytes, agents };
    if (demand.isDryRun) return run;
    this.#lastRun = run;
    this.#records.inc(records);
    this.#bytes.inc(bytes);
    if (records > 0) log.info({ records, bytes, freedBytes }, 'records were removed that are kept no longer');
    return run;
  }

  #arm(delayMs: number): void {
    this.#nextAtMs = this.#options.now() + delayMs;
    this.#timer = setTimeout(() => void this.#runBySchedule(), delayMs);
  }

  async #runBySchedule(): Promise<void> {
    try {
      await this.run({ isDryRun: false });
    } catch (error) {
      this.#options.log.warn({ err: error }, 'retention could not be carried out; tried again later');
    }
    if (!this.#isStopped) this.#arm(this.#options.everyHours * HOUR_MS);
  }
}

function timestamp(ms: number): string {
  return new Date(ms).toISOString();
}
