import { Counter, type Registry } from 'prom-client';

import { gaugesOf } from './metric-makers.ts';

/** What is told of locks, of a node or of the network. */
export interface LockFigures {
  readonly held: number;
  readonly waiting: number;
  /** Since the start. */
  readonly granted: number;
  /** Leases that nobody renewed in time, since the start. */
  readonly expired: number;
}

/** Adds the metrics of locks to a registry; `read` is asked whenever somebody looks. */
export function addLockMetrics(registry: Registry, read: () => LockFigures): void {
  const registers = [registry];
  const gauge = gaugesOf(registry);
  const counter = (name: string, help: string, figure: 'granted' | 'expired'): void => {
    const collect = (): void => {
      registered.reset();
      registered.inc(read()[figure]);
    };
    const registered: Counter = new Counter({ name, help, registers, collect });
  };
  gauge('holdfast_locks_held', 'Locks that are held', () => read().held);
  gauge('holdfast_lock_waiters', 'Calls that wait for a lock', () => read().waiting);
  counter('holdfast_leases_granted_total', 'Leases of locks given since the start', 'granted');
  counter('holdfast_leases_expired_total', 'Leases of locks that ended without a word of their holder', 'expired');
}
