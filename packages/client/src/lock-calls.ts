import type { LockLease, LockStanding } from '@holdfast/protocol';

import type { Caller } from './caller.ts';
import type { DaemonRoutes } from './calls.ts';
import { eachItem } from './each-item.ts';
import { HoldfastProblem } from './errors.ts';
import { randomKey } from './random-key.ts';

export type { LockStanding } from '@holdfast/protocol';

/** A lock held for a time, as the service gave it. */
export type Lease = LockLease;

/** Whose locks. */
export interface LockPlace {
  /** `node`: of the node, off-line too. `network`: of all nodes, through the relay. Default `node`. */
  readonly scope?: 'node' | 'network' | undefined;
}

/** How a lock is wanted. */
export interface LockOptions extends LockPlace {
  /** How long it is held without being renewed. Default 30. */
  readonly ttlSeconds?: number | undefined;
  /** How long to wait while somebody else holds it, 60 at most. Default 0. */
  readonly waitSeconds?: number | undefined;
  /** The same key again gives the same lease while it is held. Default a random key for each call. */
  readonly idempotencyKey?: string | undefined;
  /** Ends the wait, with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What is asked about locks, one call at a time. */
export interface LockCalls {
  /** Takes a lock and does nothing more: it is held until it is released, or its time is over. Throws `lock-held`. */
  take(name: string, options?: LockOptions): Promise<Lease>;
  /** Begins a lease anew. Throws `lease-lost` once it has ended. */
  renew(lease: string, options?: RenewOptions): Promise<Lease>;
  /** Ends a lease. Of one that has ended nothing is left to do. */
  release(lease: string): Promise<void>;
  /** The locks that are held, by name. */
  list(place?: LockPlace): AsyncIterable<LockStanding>;
  /** Who holds a lock; undefined: nobody. */
  get(name: string, place?: LockPlace): Promise<LockStanding | undefined>;
}

/** How a lease begins anew. */
export interface RenewOptions {
  /** Default: as long as before. */
  readonly ttlSeconds?: number | undefined;
  /** Ends the call, with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Opens what is asked about locks. Nothing is sent. */
export function openLockCalls(call: Caller<DaemonRoutes>): LockCalls {
  return {
    take: async (name, options = {}) => {
      const { scope, ttlSeconds, waitSeconds = 0, idempotencyKey = randomKey(), signal } = options;
      const body = { scope, ttl_seconds: ttlSeconds, wait_seconds: waitSeconds };
      const extras = { idempotencyKey, waitMs: waitSeconds * 1000, signal };
      return (await call('lock.acquire', { params: { name }, body }, extras)).value;
    },
    renew: async (lease, { ttlSeconds, signal } = {}) => {
      const body = { ttl_seconds: ttlSeconds };
      return (await call('lease.renew', { params: { lease }, body }, { repeat: 'same', signal })).value;
    },
    release: async (lease) => {
      await call('lease.release', { params: { lease } });
    },
    list: ({ scope } = {}) =>
      eachItem(async (after) => {
        const { locks, next } = (await call('lock.list', { query: { scope, after } })).value;
        return { items: locks, next };
      }),
    get: async (name, { scope } = {}) => {
      try {
        return (await call('lock.get', { params: { name }, query: { scope } })).value;
      } catch (error) {
        if (error instanceof HoldfastProblem && error.code === 'lock-not-held') return undefined;
        throw error;
      }
    },
  };
}
