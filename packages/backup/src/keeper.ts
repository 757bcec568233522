import { join } from 'node:path';

import { type Backups, type CareConfig, HoldfastError, type Now } from '@holdfast/protocol';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';

import { listBackups } from './archive.ts';
import { chunkBytes } from './chunks.ts';
import { backupsIn } from './listing.ts';
import { BackupMetrics } from './metrics.ts';
import type { BackupSource } from './source.ts';
import { type BackupProgress, takeBackup, type Taken } from './take-backup.ts';

const HOUR_MS = 3_600_000;
/** How often it is looked whether a backup is due: a timer for weeks would not survive a clock that is set. */
const LOOK_MS = 60_000;
/** A service that just started has better things to do. */
const FIRST_LOOK_MS = 5000;
const MEGABYTE = 1_048_576;

/** What keeping backups of a service needs. */
export interface KeeperOptions {
  readonly source: BackupSource;
  /** The service's data directory; backups go into it unless configured otherwise. */
  readonly dataDirectory: string;
  readonly config: CareConfig;
  /** Version of this program. */
  readonly version: string;
  readonly now: Now;
  readonly log: Logger;
  readonly registry: Registry;
}

/** Where a service's backups go, as configured. */
export function backupDirectoryOf(config: CareConfig, dataDirectory: string): string {
  return config['backup.directory'] || join(dataDirectory, 'backups');
}

interface Running {
  readonly startedAtMs: number;
  readonly ended: Promise<void>;
  progress: BackupProgress;
}

/**
 * Takes a running service's backups, when asked and on schedule, one at a time. A backup that was due while the service did
 * not run is made up for; one that failed is tried again after an hour at most.
 */
export class BackupKeeper {
  readonly #options: KeeperOptions;
  readonly #metrics: BackupMetrics;
  readonly #stopping = new AbortController();
  #running: Running | undefined;
  #lastError: Backups['last_error'] = null;
  /** When the next one is due; null: nobody asked for one. */
  #dueMs: number | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#metrics = new BackupMetrics(options.registry);
  }

  /** Begins to look at what there is and to keep to the schedule. */
  begin(): void {
    void this.#recall().finally(() => this.#lookIn(FIRST_LOOK_MS));
  }

  /** Begins a backup. Throws `work-under-way`. */
  async start(): Promise<Backups> {
    if (this.#running !== undefined) throw new HoldfastError('work-under-way', 'a backup is being made');
    this.#stopping.signal.throwIfAborted();
    const startedAtMs = this.#options.now();
    const progress: BackupProgress = { phase: 'copying', filesDone: 0, filesTotal: 0, bytesDone: 0 };
    const ended = this.#run().finally(() => (this.#running = undefined));
    this.#running = { startedAtMs, progress, ended };
    return this.list();
  }

  /** The backups there are and the one being made. Throws `storage-failed`. */
  async list(): Promise<Backups> {
    // Before the running one is looked at: a backup that is done must not be missing from both.
    const running = this.#runningNow();
    return {
      directory: this.#directory,
      running,
      last_error: this.#lastError,
      next_at: this.#dueMs === null ? null : new Date(this.#dueMs).toISOString(),
      backups: await backupsIn(this.#directory),
    };
  }

  /** Ends what is under way, leaving no backup of it, and keeps to no schedule any more. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#stopping.abort(new HoldfastError('shutting-down', 'the service stops'));
    await this.#running?.ended;
  }

  #runningNow(): Backups['running'] {
    if (this.#running === undefined) return null;
    const { startedAtMs, progress } = this.#running;
    return {
      phase: progress.phase,
      files_done: progress.filesDone,
      files_total: progress.filesTotal,
      bytes_done: progress.bytesDone,
      started_at: new Date(startedAtMs).toISOString(),
    };
  }

  async #run(): Promise<void> {
    const { source, config, version, now } = this.#options;
    try {
      const taken = await takeBackup({
        directory: this.#directory,
        isShared: config['backup.directory'] !== '',
        source,
        version,
        now,
        reserveBytes: config['disk.reserveMegabytes'] * MEGABYTE,
        keep: config['backup.keep'],
        signal: this.#stopping.signal,
        onProgress: (progress) => {
          if (this.#running !== undefined) this.#running.progress = progress;
        },
      });
      this.#note(taken);
    } catch (error) {
      if (!this.#stopping.signal.aborted) this.#fail(error instanceof Error ? error.message : String(error), error);
    }
  }

  #note({ manifest, problems, damagedRecords, removed, keptBytes }: Taken): void {
    const { log, now } = this.#options;
    const { id, files, missing, new_bytes: newBytes } = manifest;
    for (const { agent, reason } of missing) log.warn({ backup: id, agent, reason }, 'an agent is not in the backup');
    for (const damage of damagedRecords) log.warn({ backup: id, damage }, 'records in the backup had rotted before');
    if (problems.length > 0) {
      this.#fail(
        `backup ${id} cannot be restored: ${problems[0]}`,
        new HoldfastError('backup-damaged', problems.join('; ')),
      );
      return;
    }
    log.info({ backup: id, files: files.length, newBytes, removed }, 'a backup was made and verified');
    if (keptBytes === null) log.warn('a manifest cannot be read: room of old backups is not given back');
    this.#metrics.succeeded(now(), keptBytes);
    this.#lastError = null;
    this.#schedule(now() + this.#everyMs);
  }

  #fail(detail: string, error: unknown): void {
    const { log, now } = this.#options;
    log.error({ err: error }, 'a backup failed');
    this.#metrics.failed();
    this.#lastError = { at: new Date(now()).toISOString(), detail };
    this.#schedule(now() + Math.min(HOUR_MS, this.#everyMs));
  }

  get #directory(): string {
    return backupDirectoryOf(this.#options.config, this.#options.dataDirectory);
  }

  get #everyMs(): number {
    return this.#options.config['backup.hours'] * HOUR_MS;
  }

  #schedule(dueMs: number): void {
    if (this.#everyMs > 0) this.#dueMs = dueMs;
  }

  /** Finds out what there is and when the last one was made, by this process or another. One from the future tells nothing. */
  async #recall(): Promise<void> {
    const { now, log } = this.#options;
    this.#schedule(now());
    try {
      this.#metrics.recallBytes(await chunkBytes(this.#directory));
      const known = (await listBackups(this.#directory)).filter(({ verifiedAt }) => verifiedAt !== null);
      const times = known.map(({ manifest }) => Date.parse(manifest?.made_at ?? '')).filter((ms) => ms <= now());
      const lastMs = Math.max(...times);
      if (!Number.isFinite(lastMs)) return;
      this.#metrics.recall(lastMs);
      this.#schedule(lastMs + this.#everyMs);
    } catch (error) {
      log.warn({ err: error }, 'the backups there are cannot be read');
    }
  }

  #lookIn(delayMs: number): void {
    if (this.#everyMs === 0 || this.#stopping.signal.aborted) return;
    this.#timer = setTimeout(() => this.#look(), delayMs);
    this.#timer.unref();
  }

  #look(): void {
    const nowMs = this.#options.now();
    // A clock that was set back must not put backups off for as long.
    if (this.#dueMs !== null) this.#dueMs = Math.min(this.#dueMs, nowMs + this.#everyMs);
    if (this.#dueMs !== null && this.#dueMs <= nowMs && this.#running === undefined) {
      void this.start().catch((error: unknown) => this.#options.log.warn({ err: error }, 'backups cannot be listed'));
    }
    this.#lookIn(LOOK_MS);
  }
}
