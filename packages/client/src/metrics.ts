import type { Operation } from '@holdfast/protocol';

import { HoldfastProblem } from './errors.ts';
import type { AggregateQuery, Group } from './queries.ts';
import { randomKey } from './random-key.ts';

/** Values that are sent together at the latest. */
const BUFFERED_VALUES = 100;
/** How long a value waits for others at most, in milliseconds. */
const BUFFER_MS = 1000;
/** Values kept while the daemon takes none; beyond, the oldest are given up. */
const KEPT_VALUES = 10_000;

/** What is said of a value. */
export interface MetricOptions {
  readonly unit?: string | undefined;
  /** Texts to tell values of one name apart. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Default now. */
  readonly at?: Date | undefined;
}

/** Which values to sum up, and over which spans of time. */
export interface SeriesOptions {
  /** A number and s, m, h or d, such as `15m`. */
  readonly every: string;
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
  /** Spans at most, the latest first. Default 100. */
  readonly limit?: number | undefined;
}

/** Measured values, written together: they are not stored yet when `record` returns. */
export interface MetricsClient {
  /** Notes a value. It is sent with others, within a second or when there are a hundred. Throws TypeError for what is no number. */
  record(name: string, value: number, options?: MetricOptions): void;
  /** Stores what waits. Throws what the daemon refused them with; what may still be stored goes on waiting. */
  flush(): Promise<void>;
  /** Values given up: too many waited, or the daemon refused them. */
  readonly dropped: number;
  /** Values of a name by spans of time, the latest first: `at`, `n`, `avg`, `min`, `max`, `sum`, `p95`. */
  series(name: string, options: SeriesOptions): Promise<readonly Group[]>;
}

/** How values are stored and asked for. */
export interface MetricsStore {
  readonly write: (operations: readonly Operation[], idempotencyKey: string) => Promise<unknown>;
  readonly aggregate: (query: AggregateQuery) => Promise<readonly Group[]>;
}

/** Opens the agent's metrics. Nothing is sent. */
export function openMetrics(store: MetricsStore): MetricsClient {
  const buffer = new MetricsBuffer(store);
  return {
    record: (name, value, options) => buffer.add(name, value, options ?? {}),
    flush: () => buffer.flush(),
    get dropped() {
      return buffer.dropped;
    },
    series: (name, options) => store.aggregate(seriesQuery(name, options)),
  };
}

function seriesQuery(name: string, { every, from, to, limit = 100 }: SeriesOptions): AggregateQuery {
  const at = { ...(from && { gte: from.toISOString() }), ...(to && { lt: to.toISOString() }) };
  const metrics = {
    n: { count: '*' },
    avg: { avg: 'value' },
    min: { min: 'value' },
    max: { max: 'value' },
    sum: { sum: 'value' },
    p95: { p95: 'value' },
  } as const;
  return {
    where: { name, ...(Object.keys(at).length > 0 && { at }) },
    aggregate: { bucket: { field: 'at', every }, metrics },
    orderBy: [{ at: 'desc' }],
    limit,
  };
}

/** A batch that was sent, perhaps in vain: under its key it may be sent again. */
interface Batch {
  readonly operations: readonly Operation[];
  readonly key: string;
}

class MetricsBuffer {
  readonly #store: MetricsStore;
  #waiting: Operation[] = [];
  #batch: Batch | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #flushing: Promise<void> | undefined;
  dropped = 0;

  constructor(store: MetricsStore) {
    this.#store = store;
  }

  add(name: string, value: number, { unit, labels, at = new Date() }: MetricOptions): void {
    if (!Number.isFinite(value)) throw new TypeError(`the value of "${name}" is no number that can be stored`);
    const doc = {
      name,
      value,
      at: at.toISOString(),
      ...(unit !== undefined && { unit }),
      ...(labels && { labels: { ...labels } }),
    };
    this.#waiting.push({ op: 'put', collection: 'metrics', doc });
    if (this.#waiting.length > KEPT_VALUES) this.dropped += this.#waiting.splice(0, BUFFERED_VALUES).length;
    if (this.#waiting.length >= BUFFERED_VALUES) this.#flushBehind();
    else this.#timer ??= setTimeout(() => this.#flushBehind(), BUFFER_MS);
  }

  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await (this.#flushing ??= this.#send().finally(() => {
      this.#flushing = undefined;
    }));
  }

  async #send(): Promise<void> {
    while (this.#batch !== undefined || this.#waiting.length > 0) {
      this.#batch ??= { operations: this.#waiting.splice(0, BUFFERED_VALUES), key: randomKey() };
      const { operations, key } = this.#batch;
      try {
        await this.#store.write(operations, key);
      } catch (error) {
        if (!isRefused(error)) throw error;
        this.#batch = undefined;
        this.dropped += operations.length;
        throw error;
      }
      this.#batch = undefined;
    }
  }

  // Whoever wants to know of failures calls `flush`; what failed here waits for the next time.
  #flushBehind(): void {
    this.flush().catch(() => {
      if (this.#batch !== undefined) this.#timer ??= setTimeout(() => this.#flushBehind(), BUFFER_MS);
    });
  }
}

/** Whether sending the same again would not help. */
function isRefused(error: unknown): boolean {
  return error instanceof HoldfastProblem && !error.retryable;
}
