import {
  cacheClasses,
  type CacheClassFigures,
  type CacheClassName,
  cacheClassNames,
  HoldfastError,
  type Invalidation,
  type Now,
} from '@holdfast/protocol';
import type { CollectionsByResource } from '@holdfast/store';

import type { DiskLevel } from '../../storage/disk-level.ts';
import type { Timers } from '../../sync/timers.ts';
import type { Scope } from '../records.ts';
import { collectionMark, fileMark, type Labels, marksOf, nameOf, tagMark } from './labels.ts';
import { ChangeMarks } from './change-marks.ts';
import { CacheFigures, count } from './figures.ts';
import { type Asked, type Asking, Flights } from './flights.ts';
import { MemoryLevel } from './memory-level.ts';

/** What the cache is made of. */
export interface CacheOptions {
  readonly memoryBytes: number;
  readonly disk: DiskLevel;
  readonly now: Now;
  readonly timers: Timers;
}

/** A value to be cached. */
export interface NewValue extends Labels {
  readonly text: string;
  readonly class: CacheClassName;
  /** Default: what its class says. */
  readonly ttlSeconds?: number | undefined;
  /** As a miss gave it. */
  readonly ticket?: string | undefined;
}

/** What was asked for that is not there. */
export interface Missed {
  readonly key: string;
  /** What the miss counts as. */
  readonly class: CacheClassName;
  /** Undefined: the caller does not say that it computes the value. */
  readonly asking?: Asking | undefined;
}

/** How far the cache is filled. */
export interface CacheSizes {
  readonly memoryBytes: number;
  readonly fileBytes: number;
  readonly hasFile: boolean;
}

/**
 * What the agents of this node have computed, for a time: in memory, and behind that in a file. Values of an agent and
 * resource are nothing to others, but all share the room there is.
 */
export class Cache {
  readonly figures: CacheFigures = new CacheFigures();
  readonly #memory: MemoryLevel;
  readonly #disk: DiskLevel;
  readonly #now: Now;
  readonly #marks = new ChangeMarks();
  readonly #flights: Flights;

  constructor({ memoryBytes, disk, now, timers }: CacheOptions) {
    this.#memory = new MemoryLevel(memoryBytes);
    this.#disk = disk;
    this.#now = now;
    this.#flights = new Flights(timers, () => this.#marks.step);
  }

  /** A value's text; undefined if it is not there (any more). */
  find(scope: Scope, key: string): string | undefined {
    const value = this.#memory.get(nameOf(scope, key));
    if (value === undefined) return this.#findOnDisk(scope, key);
    const holds =
      value.expiresAtMs > this.#now() &&
      (value.marks.length === 0 || this.#marks.areUnchanged(value.marks, value.step));
    if (!holds) return this.#forget(scope, key);
    count(value.counts, 'memory');
    return value.text;
  }

  /** What becomes of who did not find a value. */
  async missed(scope: Scope, { key, class: className, asking }: Missed): Promise<Asked> {
    const counts = this.figures.of(scope, className);
    const asked: Asked = asking === undefined ? { kind: 'alone' } : await this.#flights.ask(nameOf(scope, key), asking);
    count(counts, asked.kind === 'value' ? 'shared' : 'misses');
    return asked;
  }

  /** Caches a value, in the place of one that is there. Throws `ticket-ended`: nothing is kept then. */
  put(scope: Scope, key: string, value: NewValue): void {
    const { ticket, text, class: className, tags, collections } = value;
    const name = nameOf(scope, key);
    const marks = marksOf(scope, value);
    const step = ticket === undefined ? this.#marks.step : this.#flights.stepOf(name, ticket);
    if (step === undefined || !this.#marks.areUnchanged(marks, step)) {
      this.#flights.end(name, ticket ?? '');
      throw new HoldfastError('ticket-ended', 'the value is not kept');
    }
    const nowMs = this.#now();
    const expiresAtMs = nowMs + (value.ttlSeconds ?? cacheClasses[className].ttlSeconds) * 1000;
    const counts = this.figures.of(scope, className);
    this.#memory.set(name, { text, expiresAtMs, marks, step, counts });
    this.#disk.put({ ...scope, key }, { text, class: className, tags, collections, step, expiresAtMs }, nowMs);
    this.#flights.land(name, text);
  }

  /** Removes a value. What is being computed under the key is not kept either. */
  remove(scope: Scope, key: string): void {
    this.#flights.invalidate(nameOf(scope, key));
    this.#forget(scope, key);
  }

  /** Ends a ticket without a value: the next who waits computes. */
  giveBack(scope: Scope, key: string, ticket: string): void {
    this.#flights.end(nameOf(scope, key), ticket);
  }

  /** Removes a group of values; when it resolves none is found of those that were there, nor computed before. */
  async invalidate(scope: Scope, { tag, prefix = '', collection }: Invalidation): Promise<void> {
    if (tag !== undefined) {
      await this.#disk.removeGroup({ ...scope, kind: 'tag', name: tag });
      // Only now: what was read from the file until its end is younger than what was changed before.
      this.#marks.change([tagMark(scope, tag)]);
    } else if (collection !== undefined) {
      await this.#disk.removeGroup({ ...scope, kind: 'collection', name: collection });
      this.#marks.change([collectionMark(scope, collection)]);
    } else {
      await this.#disk.removeGroup({ ...scope, kind: 'prefix', name: prefix });
      this.#memory.deletePrefixed(nameOf(scope, prefix));
      this.#flights.invalidatePrefixed(nameOf(scope, prefix));
    }
  }

  /** An agent wrote to collections: what depends on them is not found any more. */
  written(agent: string, collections: CollectionsByResource): void {
    const marks: string[] = [];
    for (const [resource, names] of collections)
      for (const name of names) marks.push(collectionMark({ agent, resource }, name));
    this.#marks.change(marks);
  }

  /** Another file may have taken the place of an agent's: what depends on any collection of it is not found any more. */
  fileLeft(agent: string): void {
    this.#marks.change([fileMark(agent)]);
  }

  /** What an agent is told of how its values were found. */
  shown(scope: Scope): Record<CacheClassName, CacheClassFigures> {
    return this.figures.shown(scope);
  }

  /** How far it is filled. */
  get sizes(): CacheSizes {
    return { memoryBytes: this.#memory.bytes, fileBytes: this.#disk.bytes, hasFile: this.#disk.isOpen };
  }

  /** Removes what has ended from the file. */
  sweep(): Promise<void> {
    return this.#disk.sweep(this.#now());
  }

  /** Nobody waits any more; who does computes for itself. */
  endWaiting(): void {
    this.#flights.stop();
  }

  /** Closes the file. */
  close(): void {
    this.#disk.close();
  }

  #findOnDisk(scope: Scope, key: string): string | undefined {
    const entry = this.#disk.find({ ...scope, key }, this.#now());
    if (entry === undefined) return undefined;
    const { text, expiresAtMs } = entry;
    const marks = marksOf(scope, entry);
    // Tags are removed from the file when they are invalidated; of collections the file knows only as of which step it was right.
    const isRight = entry.collections.length === 0 || this.#marks.areUnchanged(marks, entry.step);
    if (!isRight) return this.#forget(scope, key);
    const counts = this.figures.of(scope, classOf(entry.class));
    this.#memory.set(nameOf(scope, key), { text, expiresAtMs, marks, step: this.#marks.step, counts });
    count(counts, 'disk');
    return text;
  }

  #forget(scope: Scope, key: string): undefined {
    this.#memory.delete(nameOf(scope, key));
    this.#disk.remove({ ...scope, key });
  }
}

function classOf(name: string): CacheClassName {
  return cacheClassNames.find((known) => known === name) ?? 'default';
}
