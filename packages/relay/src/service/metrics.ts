import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

import type { RelayStore, Taken } from '../storage/relay-store.ts';

/** From one fsync on a fast disk to a queue that is nearly full. */
const buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The relay's own metrics. No labels name nodes, agents or people. */
export class RelayMetrics {
  readonly #changes: Counter<'result'>;
  readonly #batches: Counter;
  readonly #differences: Counter;
  readonly #behind: Counter;
  readonly #epochs: Counter;
  readonly #commitSeconds: Histogram;

  constructor(registry: Registry, store: RelayStore) {
    const registers = [registry];
    this.#changes = new Counter({
      name: 'holdfast_relay_changes_total',
      help: 'Changes that came, by what became of them',
      labelNames: ['result'],
      registers,
    });
    this.#batches = new Counter({ name: 'holdfast_relay_batches_total', help: 'Batches taken', registers });
    this.#differences = new Counter({
      name: 'holdfast_digest_differences_total',
      help: 'Batches after which node and relay held different records of an agent',
      registers,
    });
    this.#behind = new Counter({
      name: 'holdfast_relay_behind_total',
      help: 'Batches refused because the relay lacks what it once acknowledged: it was put back',
      registers,
    });
    this.#epochs = new Counter({
      name: 'holdfast_relay_epochs_total',
      help: 'Starts that found the database put back or replaced, and gave it a new epoch',
      registers,
    });
    this.#commitSeconds = new Histogram({
      name: 'holdfast_relay_commit_seconds',
      help: 'Time from handing changes to the store until they were durable',
      buckets,
      registers,
    });
    addGauges(registry, store);
  }

  /** Waits for the store to take changes, and counts them and the time. */
  async observe(taking: Promise<Taken>): Promise<Taken> {
    const stop = this.#commitSeconds.startTimer();
    const taken = await taking;
    stop();
    this.#changes.inc({ result: 'applied' }, taken.applied);
    this.#changes.inc({ result: 'stale' }, taken.stale);
    this.#changes.inc({ result: 'rejected' }, taken.rejects.length);
    return taken;
  }

  /** A batch was taken. */
  countBatch(): void {
    this.#batches.inc();
  }

  /** A batch left node and relay with different records. */
  countDifference(): void {
    this.#differences.inc();
  }

  /** A node is ahead of what the relay knows to have taken. */
  countBehind(): void {
    this.#behind.inc();
  }

  /** The database got a new epoch. */
  countEpoch(): void {
    this.#epochs.inc();
  }
}

function addGauges(registry: Registry, store: RelayStore): void {
  const gauges = [
    ['holdfast_relay_nodes', 'Nodes enrolled', 'nodes'],
    ['holdfast_relay_dead_letters', 'Changes that could not be taken and wait for an operator', 'deadLetters'],
    ['holdfast_relay_database_bytes', "Size of the relay's database", 'databaseBytes'],
  ] as const;
  for (const [name, help, figure] of gauges) {
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        this.set((await store.figures())[figure]);
      },
    });
  }
}
