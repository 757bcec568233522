import type { Timers } from '../../sync/timers.ts';
import type { Cache } from './cache.ts';

/** Sweeps what has ended out of the cache's file, again and again. The function returned ends it. */
export function sweepCache(
  cache: Pick<Cache, 'sweep'>,
  { everyMs, timers }: { readonly everyMs: number; readonly timers: Timers },
): () => void {
  let disarm: (() => void) | undefined;
  let isStopped = false;
  const arm = (): void => {
    disarm = timers.after(everyMs, () => {
      void cache.sweep().finally(() => isStopped || arm());
    });
  };
  arm();
  return () => {
    isStopped = true;
    disarm?.();
  };
}
