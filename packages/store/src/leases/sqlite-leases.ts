import { HoldfastError, limits } from '@holdfast/protocol';
import type { Database } from '@holdfast/sqlite';

import { FenceCounter } from './fence-counter.ts';
import { LeaseEnds } from './lease-ends.ts';
import { LeaseTable, type StoredLease } from './lease-table.ts';
import type { HeldLock, Lease, LeaseFigures, LeaseRequest, Leases, Lock } from './leases.ts';
import { isSameHolder, LockQueue, Wish } from './lock-queue.ts';

/** A lease that could not be ended, as the disk takes no writes, is looked at again after this. */
const RETRY_MS = 1000;

/** What leases in a database need. */
export interface SqliteLeasesOptions {
  /** With `leaseTables` in it. A file beside it keeps how far fences may have gone. */
  readonly database: Database;
  /** Runs something in the database's next transaction; resolves after its commit. Reads in between see what is committed. */
  readonly write: <Result>(run: () => Result) => Promise<Result>;
}

/** What a transaction did, for memory to follow once it is committed. */
interface Turn {
  /** The lease that is no more. */
  readonly ended?: StoredLease | undefined;
  /** Who has the lock now. */
  readonly next?: { readonly wish: Wish; readonly lease: Lease } | undefined;
}

/**
 * Leases in a database: who holds what stands there, when each ends and who waits only in memory. So a renewal writes nothing. All that
 * memory holds follows a transaction's commit, but for the queue: who is in it when a lock is released in the same transaction gets it.
 */
export class SqliteLeases implements Leases {
  readonly #write: SqliteLeasesOptions['write'];
  readonly #table: LeaseTable;
  readonly #fences: FenceCounter;
  readonly #ends: LeaseEnds;
  readonly #queue = new LockQueue();
  #granted = 0;
  #expired = 0;
  #isStopped = false;

  constructor({ database, write }: SqliteLeasesOptions) {
    this.#write = write;
    this.#table = new LeaseTable(database);
    this.#fences = new FenceCounter(database);
    this.#ends = new LeaseEnds((lease) => void this.#expire(lease));
    // How long they had left nobody knows: they count as renewed now.
    for (const { lease, ttlMs } of this.#table.all()) this.#ends.begin(lease, ttlMs);
  }

  get figures(): LeaseFigures {
    return {
      held: this.#ends.count,
      waiting: this.#queue.count,
      granted: this.#granted,
      expired: this.#expired,
    };
  }

  async acquire(request: LeaseRequest, signal: AbortSignal): Promise<Lease> {
    const wish = new Wish(request);
    try {
      const turn = await this.#write(() => {
        this.#assertRuns();
        if (signal.aborted) throw new HoldfastError('lock-held', 'nobody waits for the lock any more');
        return this.#take(wish);
      });
      if (turn === undefined) return await this.#wait(wish, signal);
      this.#follow(turn);
      return await wish.granted;
    } finally {
      this.#queue.remove(wish);
    }
  }

  async renew(resource: string, lease: string, ttlMs?: number): Promise<Lease> {
    this.#assertRuns();
    const held = this.#held(resource, lease);
    if (ttlMs === undefined || ttlMs === held.ttlMs) {
      this.#ends.begin(lease, held.ttlMs);
      return told(held);
    }
    const renewed = await this.#write(() => {
      const { fence, name } = this.#held(resource, lease);
      this.#table.setTtl(lease, ttlMs);
      return { name, lease, fence, ttlMs };
    });
    this.#ends.begin(lease, ttlMs);
    return renewed;
  }

  async release(resource: string, lease: string): Promise<void> {
    this.#follow(await this.#write(() => this.#handOver(this.#ofResource(resource, lease))));
  }

  async list(resource: string, page: { readonly after: string; readonly limit: number }): Promise<HeldLock[]> {
    return this.#table.list(resource, page).map((stored) => this.#shown(stored));
  }

  async find(lock: Lock): Promise<HeldLock | undefined> {
    const stored = this.#table.find(lock);
    return stored && this.#shown(stored);
  }

  async outgrow(fence: number): Promise<void> {
    if (this.#fences.isAbove(fence)) return;
    await this.#write(() => this.#fences.outgrow(fence));
  }

  stop(): void {
    this.#isStopped = true;
    this.#ends.stop();
    for (const wish of this.#queue.all()) wish.refuse(stopping());
  }

  /** Gives a lock, or lets the wish wait for it: then there is nothing to follow. Throws `lock-held` if it may not wait. */
  #take(wish: Wish): Turn | undefined {
    const { request } = wish;
    const held = this.#table.find(request);
    const isOver = held !== undefined && this.#ends.isOver(held.lease);
    if (held === undefined || (isOver && this.#queue.countOf(request) === 0)) {
      if (held === undefined) assertRoom(this.#ends.count, limits.locks, 'locks are held');
      else this.#table.remove(held.lease);
      return { ended: held, next: { wish, lease: this.#give(wish) } };
    }
    if (!isOver && isOf(held, request)) return { next: { wish, lease: told(held) } };
    if (request.waitMs === 0) throw this.#lockHeld(held);
    assertRoom(this.#queue.count, limits.lockWaiters, 'wait for locks');
    this.#queue.add(wish);
    return undefined;
  }

  /** Ends a lease, and gives the lock to whoever waits first. */
  #handOver(held: StoredLease | undefined): Turn {
    if (held === undefined) return {};
    this.#table.remove(held.lease);
    const wish = this.#queue.first(held);
    return { ended: held, next: wish && { wish, lease: this.#give(wish) } };
  }

  #give({ request, lease }: Wish): Lease {
    const fence = this.#fences.next();
    this.#table.add(request, { lease, fence });
    return { name: request.name, lease, fence, ttlMs: request.ttlMs };
  }

  #follow({ ended, next }: Turn): void {
    if (ended !== undefined) {
      if (this.#ends.isOver(ended.lease)) this.#expired += 1;
      this.#ends.forget(ended.lease);
    }
    if (next === undefined) return;
    const { wish, lease } = next;
    this.#queue.remove(wish);
    this.#ends.begin(lease.lease, lease.ttlMs);
    if (lease.lease === wish.lease) this.#granted += 1;
    wish.grant(lease);
  }

  /** Waits until the wish is granted, its time is over, or whoever had it is gone. */
  async #wait(wish: Wish, signal: AbortSignal): Promise<Lease> {
    const leave = (): void => {
      this.#queue.remove(wish);
      wish.refuse(this.#lockHeld(this.#table.find(wish.request)));
    };
    const timer = setTimeout(leave, wish.request.waitMs);
    signal.addEventListener('abort', leave, { once: true });
    try {
      return await wish.granted;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', leave);
    }
  }

  async #expire(lease: string): Promise<void> {
    try {
      this.#follow(
        await this.#write(() => (this.#ends.isOver(lease) ? this.#handOver(this.#table.byLease(lease)) : {})),
      );
    } catch {
      // Whoever writes is told of the disk. Until it takes writes again nobody else gets the lock.
      this.#ends.again(lease, RETRY_MS);
    }
  }

  #held(resource: string, lease: string): StoredLease {
    const held = this.#ofResource(resource, lease);
    if (held === undefined || this.#ends.isOver(lease)) throw new HoldfastError('lease-lost', 'the lease has ended');
    return held;
  }

  #ofResource(resource: string, lease: string): StoredLease | undefined {
    const held = this.#table.byLease(lease);
    return held?.resource === resource ? held : undefined;
  }

  #shown(stored: StoredLease): HeldLock {
    const { name, holder, fence, ttlMs, lease } = stored;
    const remainingMs = this.#ends.remainingMs(lease);
    return { name, holder, fence, ttlMs, remainingMs, waiting: this.#queue.countOf(stored) };
  }

  #lockHeld(held: StoredLease | undefined): HoldfastError {
    if (held === undefined) return new HoldfastError('lock-held', 'the lock was held', { retryAfterSeconds: 1 });
    const { holder, remainingMs } = this.#shown(held);
    const seconds = Math.ceil(remainingMs) / 1000;
    const { agent, node } = holder;
    const who = node === null ? agent : `${agent}@${node}`;
    return new HoldfastError(
      'lock-held',
      `${who} holds "${held.name}", for ${seconds} s at most unless it is renewed`,
      {
        extensions: { holder: { agent, ...(node !== null && { node }) }, remaining_seconds: seconds },
        retryAfterSeconds: Math.max(1, seconds),
      },
    );
  }

  #assertRuns(): void {
    if (this.#isStopped) throw stopping();
  }
}

/** Whether a lease was given to the same request before. Throws `idempotency-mismatch` if that asked for something else. */
function isOf(held: StoredLease, { holder, key, ttlMs }: LeaseRequest): boolean {
  if (key === undefined || held.key !== key || !isSameHolder(held.holder, holder)) return false;
  if (held.ttlMs === ttlMs) return true;
  throw new HoldfastError('idempotency-mismatch', 'the key was used for a lease of another length');
}

function told({ name, lease, fence, ttlMs }: Lease): Lease {
  return { name, lease, fence, ttlMs };
}

function assertRoom(count: number, most: number, what: string): void {
  if (count < most) return;
  throw new HoldfastError('too-many-requests', `${count} ${what}`, { retryAfterSeconds: 1 });
}

function stopping(): HoldfastError {
  return new HoldfastError('shutting-down', 'the service is stopping', { retryAfterSeconds: 1 });
}
