import { setTimeout as sleep } from 'node:timers/promises';

import { CommandError } from '../command-error.ts';

/** What is waited for, for how long, and what to say when it did not come. */
export interface Wait {
  /** As in "waited 20 s for …". */
  readonly what: string;
  readonly limitMs: number;
  /** Time between two looks. Default 20. */
  readonly everyMs?: number;
  /** Ends the wait with its reason. */
  readonly signal: AbortSignal;
  /** What the person sees besides, such as the last lines of a log. */
  readonly evidence: () => string;
}

/** Looks until there is something. Throws CommandError past the limit, and the reason of `signal` when that is aborted. */
export async function until<Found>(wait: Wait, look: () => Promise<Found | undefined>): Promise<Found> {
  const limitAtMs = performance.now() + wait.limitMs;
  for (;;) {
    wait.signal.throwIfAborted();
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > limitAtMs) {
      throw new CommandError(`waited ${wait.limitMs / 1000} s for ${wait.what}`, wait.evidence());
    }
    await pause(wait.everyMs ?? 20, wait.signal);
  }
}

/** Waits; throws the reason of `signal` as soon as it is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
