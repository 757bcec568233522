import type { CollectionsByResource } from '@holdfast/store';

import type { Scope } from '../records.ts';

/** Whose tasks: those of an agent of this node, where `node` is null, or of another one. */
export interface TaskOwner extends Scope {
  readonly node: string | null;
}

/** Somebody who waits for tasks, from `TaskWakes.waiting` until it is disposed. */
export interface TaskWait extends Disposable {
  /** Resolves once there may be a task since this was asked last, or made; after a time, when the signal aborts, or at the node's stop. */
  woken(atMostMs: number, signal: AbortSignal): Promise<void>;
}

/** Wakes those who wait for tasks of an agent whenever some may have become claimable. It may be for nothing. */
export class TaskWakes {
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #stopped = new AbortController();

  /** Aborts when nobody waits any more, as the node stops. */
  get stopped(): AbortSignal {
    return this.#stopped.signal;
  }

  /** Something was written to a file of this node. Cheap: called on every commit. */
  written(agent: string, written: CollectionsByResource): void {
    if (this.#waiting.size === 0) return;
    for (const [resource, collections] of written)
      if (collections.has('tasks')) this.changed({ agent, resource, node: null });
  }

  /** Tasks of an agent may have become claimable. */
  changed(owner: TaskOwner): void {
    for (const wake of this.#waiting.get(keyOf(owner)) ?? []) wake();
  }

  /** Waits from now on for tasks of an agent: what becomes claimable from here on wakes it. */
  waiting(owner: TaskOwner): TaskWait {
    const key = keyOf(owner);
    let isWoken = false;
    let tell: (() => void) | undefined;
    const wake = (): void => {
      isWoken = true;
      tell?.();
    };
    const all = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, all.add(wake));
    return {
      woken: async (atMostMs, signal) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        tell = resolve;
        if (isWoken) resolve();
        await settled(promise, atMostMs, AbortSignal.any([signal, this.stopped]));
        isWoken = false;
      },
      [Symbol.dispose]: () => {
        all.delete(wake);
        if (all.size === 0 && this.#waiting.get(key) === all) this.#waiting.delete(key);
      },
    };
  }

  /** Nobody waits any more, now or later. */
  stop(): void {
    this.#stopped.abort();
  }
}

function keyOf({ agent, resource, node }: TaskOwner): string {
  return `${agent}@${node ?? ''} ${resource}`;
}

/** Resolves when the promise does, after a time, or when the signal aborts. */
async function settled(promise: Promise<void>, atMostMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, atMostMs);
  signal.addEventListener('abort', () => resolve(), { once: true });
  try {
    await Promise.race([promise, ended]);
  } finally {
    clearTimeout(timer);
  }
}
