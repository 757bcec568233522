import { HoldfastProblem } from './errors.ts';
import type { Lease, LockCalls } from './lock-calls.ts';

/** Renewals in the time of a lease: two may fail. */
const RENEWALS_PER_LEASE = 3;
/** What cannot be renewed is tried again after this part of the time of a lease. */
const TRIES_PER_LEASE = 20;

/** Why a lock is not held any more: the lease ended, or could not be renewed in time. */
export class LockLost extends Error {
  override readonly name = 'LockLost';
}

/** A lock that is held, and renewed in the background. */
export interface HeldLock extends AsyncDisposable {
  readonly name: string;
  readonly scope: 'node' | 'network';
  /** A secret: whoever knows it may renew and release. */
  readonly lease: string;
  /** Higher than that of any holder before. */
  readonly fence: number;
  /** For `ifFence` of what is written under the lock. */
  readonly ifFence: string;
  /**
   * Ends, with `LockLost`, when the lock is lost, or cannot be known to be held any more; and when it is released. A program that was
   * held up itself learns of it late: what it writes with `ifFence` is refused then.
   */
  readonly signal: AbortSignal;
  /** Ends the lease. Never throws: what cannot be told is made good by the lease's end. */
  release(): Promise<void>;
}

/** A lease, and when it was asked for as `performance.now` has it: it lasts from then on at least, whenever it was given. */
export interface AskedLease {
  readonly lease: Lease;
  readonly askedAtMs: number;
}

/** Holds a lock: renews its lease at a third of its time, and counts that from before each request. */
export class RenewedLock implements HeldLock {
  readonly name: string;
  readonly scope: 'node' | 'network';
  readonly lease: string;
  readonly fence: number;
  readonly ifFence: string;
  readonly #calls: Pick<LockCalls, 'renew' | 'release'>;
  readonly #ended = new AbortController();
  readonly #ttlMs: number;
  #released: Promise<void> | undefined;
  #renewing: ReturnType<typeof setTimeout> | undefined;
  #ending: ReturnType<typeof setTimeout> | undefined;

  constructor(calls: Pick<LockCalls, 'renew' | 'release'>, { lease, askedAtMs }: AskedLease) {
    this.#calls = calls;
    this.name = lease.name;
    this.scope = lease.scope;
    this.lease = lease.lease;
    this.fence = lease.fence;
    this.ifFence = lease.if_fence;
    this.#ttlMs = lease.ttl_seconds * 1000;
    this.#heldUntil(askedAtMs + this.#ttlMs);
  }

  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  release(): Promise<void> {
    return (this.#released ??= this.#release());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  async #release(): Promise<void> {
    if (this.#ended.signal.aborted) return;
    this.#end('the lock was released');
    await this.#calls.release(this.lease).catch(() => undefined);
  }

  #heldUntil(untilMs: number): void {
    const remainingMs = untilMs - performance.now();
    clearTimeout(this.#ending);
    this.#ending = setTimeout(() => this.#end('the lease could not be renewed in time'), Math.max(0, remainingMs));
    this.#renewAfter(remainingMs - this.#ttlMs * (1 - 1 / RENEWALS_PER_LEASE));
  }

  #renewAfter(delayMs: number): void {
    clearTimeout(this.#renewing);
    this.#renewing = setTimeout(() => void this.#renew(), Math.max(0, delayMs));
  }

  async #renew(): Promise<void> {
    const askedAtMs = performance.now();
    try {
      await this.#calls.renew(this.lease, { signal: this.#ended.signal });
      if (!this.#ended.signal.aborted) this.#heldUntil(askedAtMs + this.#ttlMs);
    } catch (error) {
      if (this.#ended.signal.aborted) return;
      if (error instanceof HoldfastProblem && error.code === 'lease-lost') this.#end('the lease has ended', error);
      else this.#renewAfter(this.#ttlMs / TRIES_PER_LEASE);
    }
  }

  #end(why: string, cause?: unknown): void {
    clearTimeout(this.#renewing);
    clearTimeout(this.#ending);
    this.#ended.abort(new LockLost(`"${this.name}" is not held any more: ${why}`, { cause }));
  }
}
