import type { NodeConfig, Now } from '@holdfast/protocol';
import type { DiskWatch } from '@holdfast/sqlite';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';

import { DiskLevel } from '../../storage/disk-level.ts';
import type { Timers } from '../../sync/timers.ts';
import { Cache } from './cache.ts';
import { registerCacheMetrics } from './cache-metrics.ts';

const MEBIBYTE = 1024 * 1024;

/** What the cache needs from its surroundings. */
export interface CacheParts {
  readonly config: NodeConfig;
  /** Where its file stands. */
  readonly path: string;
  /** The name of this start of the daemon. */
  readonly boot: string;
  readonly disk: Pick<DiskWatch, 'assertRoom'>;
  readonly now: Now;
  readonly timers: Timers;
  readonly registry: Registry;
  readonly log: Logger;
}

/** Puts the cache together. Nothing about its file keeps the daemon from starting. */
export function assembleCache({ config, path, boot, disk, now, timers, registry, log }: CacheParts): Cache {
  const file = new DiskLevel({
    path,
    mostBytes: config['cache.diskMegabytes'] * MEBIBYTE,
    life: boot,
    assertRoom: () => disk.assertRoom(),
    log,
  });
  const cache = new Cache({ memoryBytes: config['cache.megabytes'] * MEBIBYTE, disk: file, now, timers });
  registerCacheMetrics(registry, cache);
  return cache;
}
