import type { NetworkLockAnswer, NetworkLockRequest } from '@holdfast/protocol';
import type { HeldLock, Lease } from '@holdfast/store';

import type { RelayStore } from '../storage/relay-store.ts';
import { assertSpeaks } from './speaking.ts';

/** Locks of the network. Only the start that speaks for a node (protocol rule 7) asks for its agents. */
export class NetworkLocks {
  readonly #store: Pick<RelayStore, 'leases' | 'speaker'>;

  constructor(store: Pick<RelayStore, 'leases' | 'speaker'>) {
    this.#store = store;
  }

  /** Takes a lock for an agent of a node. Throws like `Leases.acquire`. */
  async acquire(
    node: string,
    request: NetworkLockRequest<'acquire'>,
    signal: AbortSignal,
  ): Promise<NetworkLockAnswer<'acquire'>> {
    const leases = await this.#leases(node, request.boot);
    const { resource, name, agent, key, seen_fence: seenFence } = request;
    // What it tells with its session may have been told to a database that is not this one any more.
    if (seenFence > 0) await leases.outgrow(seenFence);
    const [ttlMs, waitMs] = [request.ttl_seconds * 1000, request.wait_seconds * 1000];
    return leaseAnswer(await leases.acquire({ resource, name, holder: { node, agent }, ttlMs, waitMs, key }, signal));
  }

  /** See `Leases.renew`. */
  async renew(
    node: string,
    { boot, resource, lease, ttl_seconds: seconds }: NetworkLockRequest<'renew'>,
  ): Promise<NetworkLockAnswer<'renew'>> {
    const leases = await this.#leases(node, boot);
    return leaseAnswer(await leases.renew(resource, lease, seconds && seconds * 1000));
  }

  /** See `Leases.release`. */
  async release(
    node: string,
    { boot, resource, lease }: NetworkLockRequest<'release'>,
  ): Promise<NetworkLockAnswer<'release'>> {
    const leases = await this.#leases(node, boot);
    await leases.release(resource, lease);
    return {};
  }

  /** See `Leases.list`. */
  async list(
    node: string,
    { boot, resource, after, limit }: NetworkLockRequest<'list'>,
  ): Promise<NetworkLockAnswer<'list'>> {
    const leases = await this.#leases(node, boot);
    return { locks: (await leases.list(resource, { after, limit })).map(heldAnswer) };
  }

  /** See `Leases.find`. */
  async find(node: string, { boot, resource, name }: NetworkLockRequest<'find'>): Promise<NetworkLockAnswer<'find'>> {
    const leases = await this.#leases(node, boot);
    const held = await leases.find({ resource, name });
    return { lock: held === undefined ? null : heldAnswer(held) };
  }

  async #leases(node: string, boot: string): Promise<RelayStore['leases']> {
    await assertSpeaks(this.#store, node, boot);
    return this.#store.leases;
  }
}

function leaseAnswer({ ttlMs, ...lease }: Lease): NetworkLockAnswer<'acquire'> {
  return { ...lease, ttl_seconds: ttlMs / 1000 };
}

function heldAnswer({
  name,
  holder,
  fence,
  ttlMs,
  remainingMs,
  waiting,
}: HeldLock): NetworkLockAnswer<'list'>['locks'][number] {
  const { agent, node } = holder;
  return {
    name,
    holder: { agent, ...(node !== null && { node }) },
    fence,
    ttl_seconds: ttlMs / 1000,
    remaining_seconds: remainingMs / 1000,
    waiting,
  };
}
