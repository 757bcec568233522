import { setTimeout as pause } from 'node:timers/promises';

/** How long to try and how often. */
export interface Patience {
  readonly limitMs: number;
  /** Rest between two tries. Default 20. */
  readonly everyMs?: number;
}

/** Tries a check again until it does not throw, and gives what it gave. Once the time is over, throws what it threw last. */
export async function eventually<Result>(
  check: () => Result | Promise<Result>,
  { limitMs, everyMs = 20 }: Patience,
): Promise<Result> {
  const untilMs = performance.now() + limitMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() >= untilMs) throw error;
      await pause(everyMs);
    }
  }
}
