import { limits } from '@holdfast/protocol';
import { LRUCache } from 'lru-cache';

import type { Scope } from '../records.ts';
import { SlidingCount } from './sliding-count.ts';

/** What is asked of a limit. `cost` is no more than `limit`. */
export interface Take {
  readonly limit: number;
  readonly windowSeconds: number;
  readonly cost: number;
}

/** What came of it, and what is left. */
export interface Taken {
  readonly allowed: boolean;
  /** How much may be taken now. */
  readonly remaining: number;
  /** Whole seconds until all of it may be taken again, if nothing more is. */
  readonly resetSeconds: number;
  /** Whole seconds until as much may be taken as was asked for, if nothing is taken meanwhile; 0 if it was. */
  readonly retryAfterSeconds: number;
}

/**
 * The rate limits of this node's agents: in memory, and counted on a clock that nobody sets. Each agent has a bounded number
 * of them; beyond it the ones that were asked for the longest time ago are forgotten, and begin anew.
 */
export class RateLimits {
  readonly #monotonicMs: () => number;
  readonly #counts = new Map<string, LRUCache<string, SlidingCount>>();

  /** `monotonicMs`: milliseconds that only grow. */
  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  /** Takes from a limit if as much is left; otherwise nothing is counted. A key has a count for each length of window. */
  take(scope: Scope, key: string, { limit, windowSeconds, cost }: Take): Taken {
    const nowMs = this.#monotonicMs();
    const count = this.#countOf(scope, key, windowSeconds);
    const allowed = count.takenAt(nowMs) + cost <= limit;
    if (allowed) count.take(cost, nowMs);
    return {
      allowed,
      // The limit may have been a higher one before.
      remaining: Math.max(0, limit - count.takenAt(nowMs)),
      resetSeconds: Math.ceil(count.waitMsFor(0, nowMs) / 1000),
      retryAfterSeconds: allowed ? 0 : Math.ceil(count.waitMsFor(limit - cost, nowMs) / 1000),
    };
  }

  #countOf({ agent, resource }: Scope, key: string, windowSeconds: number): SlidingCount {
    const name = `${windowSeconds} ${resource} ${key}`;
    const counts = this.#counts.get(agent) ?? noCounts();
    this.#counts.set(agent, counts);
    const count = counts.get(name) ?? new SlidingCount(windowSeconds * 1000);
    counts.set(name, count);
    return count;
  }
}

// Bounded by size, with each of size 1: bounded by `max`, it would take the room of all when the first is counted.
function noCounts(): LRUCache<string, SlidingCount> {
  return new LRUCache({ maxSize: limits.countedLimits, sizeCalculation: () => 1 });
}
