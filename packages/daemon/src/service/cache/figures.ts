import { type CacheClassFigures, cacheClasses, type CacheClassName, cacheClassNames } from '@holdfast/protocol';
import { LRUCache } from 'lru-cache';

import type { Scope } from '../records.ts';

/** Of so many agents and resources it is counted at once; beyond it those are forgotten that asked the longest time ago. */
const MOST_SCOPES = 10_000;

/** How values of a class were found, or not. */
export interface CacheCounts {
  memory: number;
  disk: number;
  shared: number;
  misses: number;
  /** The same over all agents. */
  readonly total?: CacheCounts;
}

/** How values were found. */
export type Found = 'memory' | 'disk' | 'shared' | 'misses';

type CountsByClass = Readonly<Record<CacheClassName, CacheCounts>>;

/** Counts what was found and what was not, by class. */
export class CacheFigures {
  /** Over all agents. */
  readonly totals: CountsByClass = byClass(() => noCounts());
  readonly #scopes = new LRUCache<string, CountsByClass>({ max: MOST_SCOPES });

  /** The counts of a class for an agent and resource. */
  of(scope: Scope, className: CacheClassName): CacheCounts {
    return this.#ofScope(scope)[className];
  }

  /** What an agent is told of them. */
  shown(scope: Scope): Record<CacheClassName, CacheClassFigures> {
    const counts = this.#ofScope(scope);
    return byClass((name) => figuresOf(name, counts[name]));
  }

  #ofScope({ agent, resource }: Scope): CountsByClass {
    const name = `${agent} ${resource}`;
    const counts = this.#scopes.get(name) ?? byClass((className) => noCounts(this.totals[className]));
    this.#scopes.set(name, counts);
    return counts;
  }
}

/** Counts one more. */
export function count(counts: CacheCounts, found: Found): void {
  counts[found] += 1;
  if (counts.total !== undefined) counts.total[found] += 1;
}

function noCounts(total?: CacheCounts): CacheCounts {
  return { memory: 0, disk: 0, shared: 0, misses: 0, ...(total && { total }) };
}

function byClass<Value>(make: (name: CacheClassName) => Value): Record<CacheClassName, Value> {
  return Object.fromEntries(cacheClassNames.map((name) => [name, make(name)])) as Record<CacheClassName, Value>;
}

function figuresOf(name: CacheClassName, { memory, disk, shared, misses }: CacheCounts): CacheClassFigures {
  const found = memory + disk + shared;
  return {
    ttl_seconds: cacheClasses[name].ttlSeconds,
    memory_hits: memory,
    disk_hits: disk,
    shared,
    misses,
    hit_rate: found + misses === 0 ? null : found / (found + misses),
  };
}
