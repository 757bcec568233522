import { setTimeout as sleep } from 'node:timers/promises';

import { CommandError } from '../command-error.ts';

/** Light load: a pause after each write that became visible. */
const PAUSE_MS = 10;

/** Writes before counting begins. */
const WARM_UP_WRITES = 50;
const LIMIT_MS = 10_000;

/** How to write the record of a number, and how to ask the other side for it. */
export interface Visibility {
  readonly write: (index: number) => Promise<unknown>;
  readonly isThere: (index: number) => Promise<boolean>;
}

/**
 * Milliseconds from sending each write until the other side shows it. The other side is asked at once, and again as soon
 * as it has answered; the next write waits until this one is there.
 */
export async function timeVisibility(writes: number, { write, isThere }: Visibility): Promise<number[]> {
  const delaysMs: number[] = [];
  for (let index = 0; index < WARM_UP_WRITES + writes; index += 1) {
    const sentAtMs = performance.now();
    const written = write(index);
    written.catch(() => undefined);
    while (!(await isThere(index))) {
      if (performance.now() - sentAtMs > LIMIT_MS)
        throw new CommandError('a write did not arrive', 'Nothing was measured.');
    }
    if (index >= WARM_UP_WRITES) delaysMs.push(performance.now() - sentAtMs);
    await written;
    await sleep(PAUSE_MS);
  }
  return delaysMs;
}
