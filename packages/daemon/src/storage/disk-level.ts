import { setImmediate as nextTurn } from 'node:timers/promises';

import { isHoldfastError } from '@holdfast/protocol';
import { isSqliteError } from '@holdfast/sqlite';
import { removeDatabase } from '@holdfast/store';
import type { Logger } from 'pino';

import { CacheTables, type Entry, type EntryGroup, type EntryKey } from './cache-tables.ts';

/** What the cache's file needs from its surroundings. */
export interface DiskLevelOptions {
  readonly path: string;
  /** 0: there is no file. */
  readonly mostBytes: number;
  /** The name of this start of the daemon. */
  readonly life: string;
  /** Throws while the disk takes no writes. */
  readonly assertRoom: () => void;
  readonly log: Logger;
}

/**
 * Cached values in a file. Nothing in it is only there, so it never stands in anybody's way: when anything is wrong with it, it is
 * removed, the log says so, and it is made anew at the next sweep. Until then values are in memory alone.
 */
export class DiskLevel {
  readonly #options: DiskLevelOptions;
  #tables: CacheTables | undefined;
  /** Whether the file cannot be used, and the log has it. */
  #isGivenUp = false;

  /** Opens the file. Throws nothing. */
  constructor(options: DiskLevelOptions) {
    this.#options = options;
    this.#open();
    if (this.#tables === undefined) this.#open();
  }

  /** How many bytes of the file are used; 0 without one. */
  get bytes(): number {
    return this.#using(({ bytes }) => bytes) ?? 0;
  }

  /** Whether there is a file. */
  get isOpen(): boolean {
    return this.#tables !== undefined;
  }

  /** The value under a key. */
  find(key: EntryKey, nowMs: number): Entry | undefined {
    return this.#using((tables) => tables.find(key, nowMs));
  }

  /** Keeps a value, if the disk takes writes; if not, an older one must not stay either. */
  put(key: EntryKey, entry: Entry, nowMs: number): void {
    this.#using((tables) => (this.#hasRoom() ? tables.put(key, entry, nowMs) : tables.remove(key)));
  }

  /** Removes a value. */
  remove(key: EntryKey): void {
    this.#using((tables) => tables.remove(key));
  }

  /** Removes a group of values; resolves when the last of those that were there is gone. */
  async removeGroup(group: EntryGroup): Promise<void> {
    while (this.#using((tables) => tables.removeSome(group))) await nextTurn();
  }

  /** Removes what has ended, and makes the file anew if it is missing. */
  async sweep(nowMs: number): Promise<void> {
    if (this.#tables === undefined) this.#open();
    while (this.#using((tables) => tables.removeEnded(nowMs))) await nextTurn();
  }

  /** Closes the file. */
  close(): void {
    this.#tables?.close();
    this.#tables = undefined;
  }

  #open(): void {
    const { path, mostBytes } = this.#options;
    try {
      // One that could not be removed when it could not be used: what it holds may have been invalidated since.
      if (mostBytes === 0 || this.#isGivenUp) removeDatabase(path);
      if (mostBytes > 0) this.#tables = new CacheTables(path, this.#options);
      this.#isGivenUp = false;
    } catch (error) {
      this.#giveUp(error);
    }
  }

  #using<Result>(work: (tables: CacheTables) => Result): Result | undefined {
    if (this.#tables === undefined) return undefined;
    try {
      return work(this.#tables);
    } catch (error) {
      this.#giveUp(error);
      return undefined;
    }
  }

  // What could not be removed from the file must not come back with it later.
  #giveUp(error: unknown): void {
    const { path, log } = this.#options;
    if (!this.#isGivenUp)
      log.warn({ reason: reasonOf(error) }, 'the file of cached values cannot be used: it is removed and made anew');
    this.#isGivenUp = true;
    try {
      this.close();
      removeDatabase(path);
    } catch (worse) {
      log.debug({ reason: reasonOf(worse) }, 'the file of cached values cannot be removed either');
    }
  }

  #hasRoom(): boolean {
    try {
      this.#options.assertRoom();
      return true;
    } catch (error) {
      if (isHoldfastError(error)) return false;
      throw error;
    }
  }
}

/** The code alone: SQLite's words may quote what stands in the file. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && isSqliteError(error.cause) ? error.cause : error;
  if (isHoldfastError(cause)) return cause.code;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
}
