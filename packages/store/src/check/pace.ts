import { setTimeout as sleep } from 'node:timers/promises';

/** Waits as long as reading so many bytes may take. */
export type Pace = (bytes: number) => Promise<void>;

/** A pace of so many bytes a second; `Infinity`: as fast as it goes, with a turn for others in between. */
export function paceOf(bytesPerSecond: number): Pace {
  return async (bytes) => {
    await sleep((bytes / bytesPerSecond) * 1000);
  };
}
