const FIRST_DELAY_MS = 250;
const MAX_DELAY_MS = 60_000;

/**
 * Full-jitter backoff (protocol rule 9): anything up to 0.25 s after the first failure, up to twice as much after each
 * further one, never over 60 s. A wait the relay asked for is kept to, and spread by the jitter on top.
 */
export function retryDelayMs(failures: number, random: () => number, retryAfterMs = 0): number {
  const ceilingMs = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(failures - 1, 16));
  return Math.round(retryAfterMs + random() * ceilingMs);
}
