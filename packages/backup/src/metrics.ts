import { Counter, Gauge, type Registry } from 'prom-client';

/** Figures about a service's backups. */
export class BackupMetrics {
  readonly #lastSuccess: Gauge;
  readonly #failures: Counter;
  readonly #bytes: Gauge;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#lastSuccess = new Gauge({
      name: 'holdfast_backup_last_success_seconds',
      help: 'When the last verified backup was made, in seconds since 1970; 0: never',
      registers,
    });
    this.#failures = new Counter({
      name: 'holdfast_backup_failures_total',
      help: 'Backups that could not be made or not be restored',
      registers,
    });
    this.#bytes = new Gauge({
      name: 'holdfast_backup_bytes',
      help: 'What all backups take on the disk',
      registers,
    });
  }

  /** What all backups take that there were when this process started. */
  recallBytes(bytes: number): void {
    this.#bytes.set(bytes);
  }

  /** A verified backup was made before this process started. */
  recall(atMs: number): void {
    this.#lastSuccess.set(atMs / 1000);
  }

  /** A verified backup was made; `keptBytes` null: it is not known what all take. */
  succeeded(atMs: number, keptBytes: number | null): void {
    this.#lastSuccess.set(atMs / 1000);
    if (keptBytes !== null) this.#bytes.set(keptBytes);
  }

  /** A backup failed. */
  failed(): void {
    this.#failures.inc();
  }
}
