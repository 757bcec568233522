import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Now, ScrubStatus } from '@holdfast/protocol';

import { toTimestamp } from '../query/timestamp.ts';
import type { FileKind, FileReport } from './report.ts';
import { runCheck } from './run-check.ts';

/** From a scrubber's start to that of its first pass: whoever starts has other things to do. */
const FIRST_PASS_AFTER_MS = 600_000;

/** The longest single timer. */
const LONGEST_SLEEP_MS = 3_600_000;

/** A file to be checked. */
export interface ScrubTarget {
  readonly name: string;
  readonly path: string;
  readonly kind: FileKind;
  /** Asked before its turn, in this process: whether there is anything to check now. */
  readonly isReady: () => boolean;
}

/** What a scrubber needs. */
export interface ScrubberOptions {
  /** Asked at the start of each pass. */
  readonly targets: () => readonly ScrubTarget[];
  /** From the start of one pass to the start of the next; 0: no passes. */
  readonly everyMs: number;
  /** From the scrubber's start to that of its first pass. Default: ten minutes, or `everyMs` if that is less. */
  readonly firstAfterMs?: number | undefined;
  /** How fast files are read at most, on average. */
  readonly bytesPerSecond: number;
  readonly now: Now;
  /** A file was checked. Its damage was found twice. Must not throw. */
  readonly onReport: (target: ScrubTarget, report: FileReport) => void;
}

/** Checks all files of a service in the background, one at a time, again and again. */
export class Scrubber {
  readonly #options: ScrubberOptions;
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;
  #current: string | null = null;
  #filesDone = 0;
  #filesTotal = 0;
  #lastPassAtMs: number | null = null;
  #problems = 0;

  /** Begins. */
  constructor(options: ScrubberOptions) {
    this.#options = options;
    this.#running = options.everyMs === 0 ? Promise.resolve() : this.#run();
  }

  /** How far it is. */
  get status(): ScrubStatus {
    const isChecking = this.#current !== null;
    return {
      state: this.#options.everyMs === 0 ? 'off' : isChecking ? 'checking' : 'waiting',
      files_done: this.#filesDone,
      files_total: this.#filesTotal,
      last_pass_at: this.#lastPassAtMs === null ? null : toTimestamp(this.#lastPassAtMs),
      problems: this.#problems,
    };
  }

  /** The file being checked; null while none is. */
  get current(): string | null {
    return this.#current;
  }

  /** When every file had been checked last, in milliseconds; null before the first time. */
  get lastPassAtMs(): number | null {
    return this.#lastPassAtMs;
  }

  /** Checks no more; resolves once the check under way has ended. */
  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { everyMs, firstAfterMs = Math.min(everyMs, FIRST_PASS_AFTER_MS) } = this.#options;
    try {
      await this.#wait(firstAfterMs);
      for (;;) {
        const startedAtMs = performance.now();
        await this.#pass();
        await this.#wait(startedAtMs + everyMs - performance.now());
      }
    } catch (error) {
      if (!this.#ending.signal.aborted) throw error;
    }
  }

  async #pass(): Promise<void> {
    const targets = this.#options.targets();
    this.#filesDone = 0;
    this.#filesTotal = targets.length;
    for (const target of targets) {
      if (target.isReady()) {
        this.#current = target.name;
        await this.#check(target);
        this.#current = null;
      }
      this.#filesDone += 1;
    }
    this.#lastPassAtMs = this.#options.now();
  }

  async #check(target: ScrubTarget): Promise<void> {
    const { bytesPerSecond, onReport } = this.#options;
    const { signal } = this.#ending;
    const file = inodeOf(target.path);
    const first = await runCheck(target.path, target.kind, { signal, bytesPerSecond });
    // Whoever is told of damage takes the file out of service: that must not rest on one look alone.
    const report = first.state === 'damaged' ? await runCheck(target.path, target.kind, { signal }) : first;
    // Another file has taken its place meanwhile: the next pass will look at that one.
    if (file === undefined || inodeOf(target.path) !== file) return;
    this.#problems += report.problems.reduce((sum, { count }) => sum + count, 0);
    onReport(target, report);
  }

  async #wait(ms: number): Promise<void> {
    const endMs = performance.now() + ms;
    for (let leftMs = ms; leftMs > 0; leftMs = endMs - performance.now()) {
      await sleep(Math.min(leftMs, LONGEST_SLEEP_MS), undefined, { signal: this.#ending.signal, ref: false });
    }
  }
}

/** Tells a file from another one in its place; undefined when there is none. */
export function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}
