import type { Caller } from './caller.ts';
import type { DaemonRoutes } from './calls.ts';
import { HoldfastProblem, HoldfastUnreachable } from './errors.ts';
import { type AskedLease, type HeldLock, RenewedLock } from './held-lock.ts';
import { type LockCalls, type LockOptions, openLockCalls } from './lock-calls.ts';
import { sleep } from './sleep.ts';

/** How long somebody who would lead waits for the lock before it asks again, in seconds. */
const LEAD_WAIT_SECONDS = 20;
/** How long to wait when nobody can be asked, in milliseconds. */
const ASK_AGAIN_MS = 1000;

/** How to lead. */
export interface LeadOptions extends Pick<LockOptions, 'scope' | 'ttlSeconds'> {
  /** Ends it: the lead is given up, or waited for no more. */
  readonly signal: AbortSignal;
}

/** Locks: each is held by one at a time, of all agents of a resource on a node, or in the network. */
export interface LocksClient extends LockCalls {
  /** Takes a lock and renews it in the background until it is released, or the client is closed. Throws `lock-held`. */
  acquire(name: string, options?: LockOptions): Promise<HeldLock>;
  /**
   * Does `work` while it holds a lock, and releases it then. Throws what `work` throws, and like `acquire`. Whether the lock was lost in
   * between tells `lock.signal` alone.
   */
  with<Result>(name: string, options: LockOptions, work: (lock: HeldLock) => Promise<Result>): Promise<Result>;
  /**
   * Has `work` done by one of all who ask for it: waits until it leads, as long as it takes, and asks again when `work` ends because
   * the lock was lost. The signal of the lock that `work` gets ends with `options.signal` too; the lock is held until `work` has ended.
   * Resolves when `work` ends while it leads, or `signal` has ended it all. Throws what `work` throws while it leads, and any refusal
   * that does not pass.
   */
  lead(name: string, options: LeadOptions, work: (lock: HeldLock) => Promise<void>): Promise<void>;
}

/** Locks, and what releases all of them that are held. */
export interface OpenLocks {
  readonly client: LocksClient;
  releaseAll(): Promise<void>;
}

/** Opens the agent's locks. Nothing is sent. */
export function openLocks(call: Caller<DaemonRoutes>): OpenLocks {
  const calls = openLockCalls(call);
  const held = new Set<HeldLock>();
  const acquire: LocksClient['acquire'] = async (name, options) => {
    const lock = new RenewedLock(calls, await takeLately(calls, name, options));
    held.add(lock);
    lock.signal.addEventListener('abort', () => held.delete(lock), { once: true });
    return lock;
  };
  const holding: LocksClient['with'] = async (name, options, work) => {
    await using lock = await acquire(name, options);
    return await work(lock);
  };
  return {
    client: { ...calls, acquire, with: holding, lead: (name, options, work) => lead(acquire, { name, options, work }) },
    releaseAll: async () => {
      await Promise.all([...held].map((lock) => lock.release()));
    },
  };
}

/** Takes a lock. One that was waited for is renewed at once: it is not known when it was given. */
async function takeLately(calls: LockCalls, name: string, options: LockOptions | undefined): Promise<AskedLease> {
  const askedAtMs = performance.now();
  const lease = await calls.take(name, options);
  const renewedAtMs = performance.now();
  if (renewedAtMs - askedAtMs < (lease.ttl_seconds * 1000) / 2) return { lease, askedAtMs };
  return { lease: await calls.renew(lease.lease), askedAtMs: renewedAtMs };
}

interface Lead {
  readonly name: string;
  readonly options: LeadOptions;
  readonly work: (lock: HeldLock) => Promise<void>;
}

async function lead(acquire: LocksClient['acquire'], { name, options, work }: Lead): Promise<void> {
  const { signal } = options;
  while (!signal.aborted) {
    const lock = await acquireOrNothing(acquire, name, options);
    if (lock === undefined) continue;
    try {
      await work(until(signal, lock));
      if (!lock.signal.aborted) return;
    } catch (error) {
      if (!lock.signal.aborted && !signal.aborted) throw error;
    } finally {
      await lock.release();
    }
  }
}

/** A lock whose holder is to end when another signal ends too; it is held until the holder has. */
function until(signal: AbortSignal, lock: HeldLock): HeldLock {
  const { name, scope, lease, fence, ifFence } = lock;
  return {
    name,
    scope,
    lease,
    fence,
    ifFence,
    signal: AbortSignal.any([lock.signal, signal]),
    release: () => lock.release(),
    [Symbol.asyncDispose]: () => lock.release(),
  };
}

async function acquireOrNothing(
  acquire: LocksClient['acquire'],
  name: string,
  options: LeadOptions,
): Promise<HeldLock | undefined> {
  const { signal } = options;
  try {
    return await acquire(name, { ...options, waitSeconds: LEAD_WAIT_SECONDS });
  } catch (error) {
    if (signal.aborted) return undefined;
    if (!mayPass(error)) throw error;
    if (!isHeld(error)) await sleep(ASK_AGAIN_MS, signal).catch(() => undefined);
    return undefined;
  }
}

function isHeld(error: unknown): boolean {
  return error instanceof HoldfastProblem && error.code === 'lock-held';
}

function mayPass(error: unknown): boolean {
  if (error instanceof HoldfastUnreachable || isHeld(error)) return true;
  return error instanceof HoldfastProblem && (error.retryable || error.code === 'lease-lost');
}
