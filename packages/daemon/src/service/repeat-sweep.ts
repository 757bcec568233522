import type { Timers } from '../sync/timers.ts';

/** Sweeps what has ended out of a file, again and again. The function returned ends it. */
export function repeatSweep(
  swept: { sweep(): Promise<void> },
  { everyMs, timers }: { readonly everyMs: number; readonly timers: Timers },
): () => void {
  let disarm: (() => void) | undefined;
  let isStopped = false;
  const arm = (): void => {
    disarm = timers.after(everyMs, () => {
      void swept.sweep().finally(() => isStopped || arm());
    });
  };
  arm();
  return () => {
    isStopped = true;
    disarm?.();
  };
}
