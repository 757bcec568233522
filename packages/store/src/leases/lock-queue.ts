import { randomBytes } from 'node:crypto';

import { HoldfastError } from '@holdfast/protocol';

import type { Lease, LeaseRequest, Lock } from './leases.ts';

/** Somebody who wants a lock, and the lease that is theirs if they get it. */
export class Wish {
  readonly request: LeaseRequest;
  readonly lease: string = randomBytes(16).toString('hex');
  /** Settled when it is granted, or refused. */
  readonly granted: Promise<Lease>;
  readonly grant: (lease: Lease) => void;
  readonly refuse: (error: HoldfastError) => void;

  constructor(request: LeaseRequest) {
    this.request = request;
    const { promise, resolve, reject } = Promise.withResolvers<Lease>();
    // Whoever waits is told; nobody may.
    promise.catch(() => undefined);
    this.granted = promise;
    this.grant = resolve;
    this.refuse = reject;
  }

  /** Whether it is the same request made once more. */
  isSameAs({ request }: Wish): boolean {
    const { holder, key } = this.request;
    return key !== undefined && key === request.key && isSameHolder(holder, request.holder);
  }
}

/** Whether two are one. */
export function isSameHolder(one: LeaseRequest['holder'], other: LeaseRequest['holder']): boolean {
  return one.node === other.node && one.agent === other.agent;
}

/** Who waits for which lock, in order of arrival. */
export class LockQueue {
  readonly #waiting = new Map<string, Wish[]>();
  #count = 0;

  /** All who wait. */
  get count(): number {
    return this.#count;
  }

  /** How many wait for a lock. */
  countOf(lock: Lock): number {
    return this.#waiting.get(placeOf(lock))?.length ?? 0;
  }

  first(lock: Lock): Wish | undefined {
    return this.#waiting.get(placeOf(lock))?.[0];
  }

  /** Lets somebody wait. A request made once more takes the place of the one before, which is refused. */
  add(wish: Wish): void {
    const place = placeOf(wish.request);
    const line = this.#waiting.get(place) ?? [];
    this.#waiting.set(place, line);
    const before = line.findIndex((other) => other.isSameAs(wish));
    if (before === -1) {
      line.push(wish);
      this.#count += 1;
      return;
    }
    line[before]?.refuse(new HoldfastError('lock-held', 'the request was made once more, and waits in its place'));
    line[before] = wish;
  }

  /** Somebody waits no more. */
  remove(wish: Wish): void {
    const place = placeOf(wish.request);
    const line = this.#waiting.get(place) ?? [];
    const at = line.indexOf(wish);
    if (at === -1) return;
    line.splice(at, 1);
    this.#count -= 1;
    if (line.length === 0) this.#waiting.delete(place);
  }

  /** All who wait, whatever for. */
  all(): Wish[] {
    return [...this.#waiting.values()].flat();
  }
}

function placeOf({ resource, name }: Lock): string {
  return `${resource}\0${name}`;
}
