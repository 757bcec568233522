import { type DiskStatus, HoldfastError } from '@holdfast/protocol';

import { freeBytesIn, probeDisk } from './disk-probe.ts';
import { diskTroubleOf, translateSqliteError } from './errors.ts';
import type { StorageGuard } from './storage-guard.ts';

/** How old a measurement may be when a write is let in. */
const FRESH_MS = 250;
/** How often a disk that takes no writes is looked at again. */
const LOOK_AGAIN_MS = 500;
/** How old a probe may be when somebody asks whether the service is ready. */
const PROBED_MS = 1000;
/** After SQLite said that the disk is full, whatever its file system says: it may be a quota. */
const FULL_MS = 2000;
/** Writes resume with so much more than the reserve, so that one write does not end them again. */
const RESUME_RATIO = 1.05;
const RETRY_AFTER_SECONDS = 2;

/** What a disk without room, or a user without quota, answers. */
const NO_ROOM = new Set(['ENOSPC', 'EDQUOT']);

/** What a disk watch looks after, and whom it tells. */
export interface DiskWatchOptions {
  /** Where the databases stand; small files come and go there. */
  readonly directory: string;
  /** Free space kept for acknowledgements and what else must go on. */
  readonly reserveBytes: number;
  /** The disk takes writes no longer, or again. Told once for each change. */
  readonly onChange: (status: DiskStatus) => void;
  /** A write or a sync failed: the process must end, and start again from what is really on the disk. Told once. */
  readonly onFailure: (failure: HoldfastError, file: string) => void;
}

/**
 * Knows whether the disk under a data directory takes writes (protocol rule 11), for all databases of a process.
 *
 * A full disk and a read-only one are waited for. A write or sync that failed otherwise is not: the kernel may take the
 * pages for written afterwards, so nothing that rests on them may be acknowledged, and only another start finds out.
 * SQLite's codes alone do not tell these apart; a small file beside the databases does.
 */
export class DiskWatch implements StorageGuard {
  readonly #options: DiskWatchOptions;
  #state: DiskStatus['state'] = 'ok';
  #freeBytes = Number.MAX_SAFE_INTEGER;
  #lookedAtMs = -Infinity;
  #probedAtMs = -Infinity;
  #fullUntilMs = -Infinity;
  #failure: HoldfastError | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: DiskWatchOptions) {
    this.#options = options;
    this.#look();
  }

  /** Whether a write or sync failed: nothing may be acknowledged, and no database written to, not even in closing. */
  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** Throws `disk-full`, `storage-read-only` or `storage-failed` unless a new write may be let in. Cheap. */
  assertRoom(): void {
    this.assertSound();
    if (performance.now() - this.#lookedAtMs >= FRESH_MS) this.#look();
    if (this.#state !== 'ok') throw this.#refusal();
  }

  assertSound(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  translate(error: unknown, what: string, file: string): unknown {
    const trouble = diskTroubleOf(error);
    if (trouble === undefined || this.#failure !== undefined) return translateSqliteError(error, what);
    const found = trouble === 'full' ? 'ENOSPC' : probeDisk(this.#options.directory);
    if (this.#heed(found)) return this.#refusal(error);
    const translated = translateSqliteError(error, what);
    if (trouble === 'failed') this.#fail(error, what, file);
    return translated;
  }

  /** Whether the disk would take a write now, by trying. Throws like `assertRoom`. Tries once a second at most. */
  check(): void {
    this.assertSound();
    this.#look();
    if (performance.now() - this.#probedAtMs >= PROBED_MS) {
      this.#probedAtMs = performance.now();
      const found = probeDisk(this.#options.directory);
      if (found !== undefined && !this.#heed(found)) {
        throw new HoldfastError('storage-failed', `a small file could not be written: ${found}`);
      }
    }
    if (this.#state !== 'ok') throw this.#refusal();
  }

  /** The disk as it is now. */
  status(): DiskStatus {
    this.#look();
    return { state: this.#state, free_bytes: this.#freeBytes, reserve_bytes: this.#options.reserveBytes };
  }

  /** Looks no more. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const { directory, reserveBytes } = this.#options;
    this.#lookedAtMs = performance.now();
    this.#freeBytes = freeBytesIn(directory) ?? this.#freeBytes;
    const neededBytes = this.#state === 'ok' ? reserveBytes : reserveBytes * RESUME_RATIO;
    const hasRoom = this.#freeBytes >= neededBytes && this.#lookedAtMs >= this.#fullUntilMs;
    if (this.#state === 'read-only' && probeDisk(directory) === 'EROFS') return;
    this.#become(hasRoom ? 'ok' : 'low');
  }

  /** Takes note of what a probe met; false when that is neither a full nor a read-only disk. */
  #heed(found: string | undefined): boolean {
    if (found === 'EROFS') {
      this.#become('read-only');
      return true;
    }
    if (found === undefined || !NO_ROOM.has(found)) return false;
    this.#fullUntilMs = performance.now() + FULL_MS;
    this.#look();
    return true;
  }

  #become(state: DiskStatus['state']): void {
    if (state === this.#state) return;
    this.#state = state;
    if (state === 'ok') this.close();
    else this.#timer ??= setInterval(() => this.#look(), LOOK_AGAIN_MS).unref();
    const { reserveBytes, onChange } = this.#options;
    onChange({ state, free_bytes: this.#freeBytes, reserve_bytes: reserveBytes });
  }

  #fail(error: unknown, what: string, file: string): void {
    const translated = translateSqliteError(error, what);
    const detail = translated instanceof Error ? translated.message : what;
    this.#failure = new HoldfastError('storage-failed', `${detail}; nothing is acknowledged until the next start`, {
      cause: error,
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    });
    this.#options.onFailure(this.#failure, file);
  }

  #refusal(cause?: unknown): HoldfastError {
    const options = { cause, retryAfterSeconds: RETRY_AFTER_SECONDS };
    if (this.#state === 'read-only') {
      return new HoldfastError('storage-read-only', 'the file system of the data directory is read-only', options);
    }
    const { reserveBytes } = this.#options;
    const detail = `${this.#freeBytes} bytes are free, and ${reserveBytes} are kept in reserve`;
    const extensions = { free_bytes: this.#freeBytes, reserve_bytes: reserveBytes };
    return new HoldfastError('disk-full', detail, { ...options, extensions });
  }
}
