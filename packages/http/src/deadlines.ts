/** How late a deadline may be noticed. */
const SWEEP_MS = 500;

/** A wait that has an end. */
interface Deadline {
  readonly atMs: number;
  readonly expire: () => void;
}

const open = new Set<Deadline>();
let sweeper: NodeJS.Timeout | undefined;

/**
 * Calls `expire` once `waitMs` have passed, up to half a second late; the function returned prevents it. For waits that
 * nearly always end before: thousands a second cost one timer together, where a timer each would cost more than reading
 * the bodies they watch.
 */
export function deadline(waitMs: number, expire: () => void): () => void {
  const entry: Deadline = { atMs: performance.now() + waitMs, expire };
  open.add(entry);
  sweeper ??= setInterval(sweep, SWEEP_MS).unref();
  return () => open.delete(entry);
}

function sweep(): void {
  const nowMs = performance.now();
  for (const entry of open) {
    if (entry.atMs > nowMs) continue;
    open.delete(entry);
    entry.expire();
  }
  if (open.size > 0) return;
  clearInterval(sweeper);
  sweeper = undefined;
}
