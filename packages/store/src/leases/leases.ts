/** A lock: locks of one resource are invisible to another. */
export interface Lock {
  readonly resource: string;
  readonly name: string;
}

/** Who holds a lock. */
export interface LockHolder {
  /** Null: the node whose lock it is. */
  readonly node: string | null;
  readonly agent: string;
}

/** What somebody asks for who wants a lock. */
export interface LeaseRequest extends Lock {
  readonly holder: LockHolder;
  readonly ttlMs: number;
  /** How long to wait for it while somebody else holds it; 0: not at all. */
  readonly waitMs: number;
  /** The same key again, of the same holder, gives the same lease as long as that is held. */
  readonly key?: string | undefined;
}

/** A lock held for a time. */
export interface Lease {
  readonly name: string;
  /** 32 random hexadecimal digits. Whoever knows it may renew and release: a secret of the holder. */
  readonly lease: string;
  /** Higher than that of any lease given before. */
  readonly fence: number;
  readonly ttlMs: number;
}

/** A lock that is held, as others may see it. */
export interface HeldLock extends Omit<Lease, 'lease'> {
  readonly holder: LockHolder;
  /** How much longer at most, if it is not renewed. */
  readonly remainingMs: number;
  /** How many wait for it. */
  readonly waiting: number;
}

/** Figures for metrics, since the start. */
export interface LeaseFigures {
  readonly held: number;
  readonly waiting: number;
  readonly granted: number;
  readonly expired: number;
}

/**
 * Who holds which lock, and until when. One process grants the leases of one place; several relays could share one. The suite in
 * `conformance/` says the rest by example: every implementation must pass it.
 *
 * A lease is durable before it is answered. Time is that of the granting process alone, by a clock that nobody sets: after a restart
 * every lease counts as renewed at the start. Whoever holds one counts from before it asked, and so never longer than this does.
 */
export interface Leases {
  /**
   * Takes a lock, waiting in order of arrival if wished. Rejects with `lock-held`, with who holds it, once the wait is over or when
   * `signal` ends it; `idempotency-mismatch`; `too-many-requests` when too many are held or waited for; `shutting-down`.
   */
  acquire(request: LeaseRequest, signal: AbortSignal): Promise<Lease>;

  /** Begins a lease anew, for another time if one is given. Rejects with `lease-lost` once it has ended. */
  renew(resource: string, lease: string, ttlMs?: number): Promise<Lease>;

  /** Ends a lease; whoever waits first has the lock then. Of one that has ended nothing is left to do. */
  release(resource: string, lease: string): Promise<void>;

  /** The locks of a resource that are held, by name, after the name `after`; at most `limit`. */
  list(resource: string, page: { readonly after: string; readonly limit: number }): Promise<readonly HeldLock[]>;

  /** A lock that is held; undefined if it is not. */
  find(lock: Lock): Promise<HeldLock | undefined>;

  /**
   * Somebody has seen this fence: those given from now on are higher. If none so high was given as far as is known here, what is
   * known here was put back, and the fences go on far above.
   */
  outgrow(fence: number): Promise<void>;

  /** As of now. */
  readonly figures: LeaseFigures;

  /** Ends every wait with `shutting-down`, and grants nothing more. */
  stop(): void;
}
