import {
  fenceProofText,
  HoldfastError,
  limits,
  type LockLease,
  type LockScope,
  type LockStanding,
} from '@holdfast/protocol';
import type { DiskWatch } from '@holdfast/sqlite';
import type { HeldLock, Lease } from '@holdfast/store';

import type { NodeLeases } from '../storage/node-leases.ts';
import type { AskLock } from '../sync/lock-call.ts';
import type { Scope } from './records.ts';

/** How long a lock is held without being renewed unless whoever takes it says otherwise, in seconds. */
const DEFAULT_TTL_SECONDS = 30;

/** How a lock is wanted. */
export interface LockWish {
  readonly scope?: LockScope | undefined;
  readonly ttl_seconds?: number | undefined;
  readonly wait_seconds?: number | undefined;
  /** See `LeaseRequest`. */
  readonly key?: string | undefined;
}

/** Which of the locks that are held to list. */
export interface ListWish {
  readonly scope?: LockScope | undefined;
  /** The last name of the page before. */
  readonly after?: string | undefined;
  readonly limit?: number | undefined;
}

/** A page of the locks that are held. */
export interface LockPage {
  readonly locks: readonly LockStanding[];
  readonly next: string | null;
}

/** What locks need. */
export interface LocksOptions {
  readonly node: Pick<NodeLeases, 'leases' | 'networkFence' | 'seen'>;
  readonly askLock: AskLock;
  readonly disk: Pick<DiskWatch, 'assertRoom'>;
}

/** The network's leases as the relay gives them, with the seconds of the wire. */
type Timed<Of> = Omit<Of, 'ttlMs'> & { readonly ttl_seconds: number };

/** Locks of agents: those of the node are given here, those of the network by the relay. */
export class Locks {
  readonly #options: LocksOptions;

  constructor(options: LocksOptions) {
    this.#options = options;
  }

  /** Takes a lock for an agent. Throws like `Leases.acquire` and `askLock`. */
  async acquire({ agent, resource }: Scope, name: string, wish: LockWish, signal: AbortSignal): Promise<LockLease> {
    const { node, askLock, disk } = this.#options;
    const { scope = 'node', ttl_seconds: ttl = DEFAULT_TTL_SECONDS, wait_seconds: wait = 0, key } = wish;
    if (scope === 'network') {
      const times = { ttl_seconds: ttl, wait_seconds: wait, seen_fence: node.networkFence };
      const lease = await askLock('acquire', { resource, name, agent, ...times, ...(key && { key }) }, signal);
      await node.seen(lease.fence);
      return leaseAnswer(scope, lease);
    }
    disk.assertRoom();
    const request = { resource, name, holder: { node: null, agent }, ttlMs: ttl * 1000, waitMs: wait * 1000, key };
    return leaseAnswer(scope, timed(await node.leases.acquire(request, signal)));
  }

  /** Begins a lease anew. Throws like `Leases.renew` and `askLock`. */
  async renew(
    { resource }: Scope,
    id: string,
    { ttl_seconds: ttl }: Pick<LockWish, 'ttl_seconds'>,
    signal: AbortSignal,
  ): Promise<LockLease> {
    const { node, askLock } = this.#options;
    const { scope, lease } = partsOf(id);
    if (scope === 'node') {
      return leaseAnswer(scope, timed(await node.leases.renew(resource, lease, ttl && ttl * 1000)));
    }
    const time = ttl === undefined ? {} : { ttl_seconds: ttl };
    return leaseAnswer(scope, await askLock('renew', { resource, lease, ...time }, signal));
  }

  /** Ends a lease. Throws like `Leases.release` and `askLock`. */
  async release({ resource }: Scope, id: string, signal: AbortSignal): Promise<void> {
    const { node, askLock } = this.#options;
    const { scope, lease } = partsOf(id);
    if (scope === 'node') await node.leases.release(resource, lease);
    else await askLock('release', { resource, lease }, signal);
  }

  /** The locks of a resource that are held, by name. Throws like `askLock`. */
  async list(
    { resource }: Scope,
    { scope = 'node', after = '', limit = limits.pageRecords }: ListWish,
    signal: AbortSignal,
  ): Promise<LockPage> {
    const { node, askLock } = this.#options;
    const locks =
      scope === 'node'
        ? (await node.leases.list(resource, { after, limit })).map(heldHere)
        : (await askLock('list', { resource, after, limit }, signal)).locks;
    const next = locks.length < limit ? null : (locks.at(-1)?.name ?? null);
    return { locks: locks.map((lock) => ({ scope, ...lock })), next };
  }

  /** A lock that is held. Throws `lock-not-held`, and like `askLock`. */
  async find({ resource }: Scope, name: string, scope: LockScope = 'node', signal: AbortSignal): Promise<LockStanding> {
    const { node, askLock } = this.#options;
    const asked = { resource, name };
    const lock = scope === 'node' ? await node.leases.find(asked) : (await askLock('find', asked, signal)).lock;
    if (lock === undefined || lock === null) {
      throw new HoldfastError('lock-not-held', `nobody holds "${name}"`);
    }
    return { scope, ...('ttlMs' in lock ? heldHere(lock) : lock) };
  }
}

/** What scope a lease is of stands in its name, so that whoever has it need not say. */
function partsOf(id: string): { readonly scope: LockScope; readonly lease: string } {
  const [scope, lease = ''] = id.split('.');
  return { scope: scope === 'network' ? 'network' : 'node', lease };
}

function timed({ ttlMs, ...lease }: Lease): Timed<Lease> {
  return { ...lease, ttl_seconds: ttlMs / 1000 };
}

function leaseAnswer(scope: LockScope, { name, lease, fence, ttl_seconds }: Timed<Lease>): LockLease {
  return {
    name,
    scope,
    lease: `${scope}.${lease}`,
    fence,
    if_fence: fenceProofText({ scope, lock: name, fence }),
    ttl_seconds,
  };
}

function heldHere({ name, holder, fence, ttlMs, remainingMs, waiting }: HeldLock): Omit<LockStanding, 'scope'> {
  const seconds = { ttl_seconds: ttlMs / 1000, remaining_seconds: remainingMs / 1000 };
  return { name, holder: { agent: holder.agent }, fence, ...seconds, waiting };
}
