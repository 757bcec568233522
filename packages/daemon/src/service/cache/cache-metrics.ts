import { gaugesOf } from '@holdfast/http';
import { cacheClassNames } from '@holdfast/protocol';
import { Counter, type Registry } from 'prom-client';

import type { Cache } from './cache.ts';
import type { Found } from './figures.ts';

const FOUND: readonly Found[] = ['memory', 'disk', 'shared', 'misses'];

/** Adds the cache's figures to a registry, over all agents. */
export function registerCacheMetrics(registry: Registry, cache: Pick<Cache, 'figures' | 'sizes'>): void {
  const registers = [registry];
  const { totals } = cache.figures;
  new Counter({
    name: 'holdfast_cache_requests_total',
    help: 'Values asked for, by class and by where they were found: in memory, on the disk, shared with who computed them, misses',
    labelNames: ['class', 'found'],
    registers,
    collect() {
      this.reset();
      for (const className of cacheClassNames)
        for (const found of FOUND) this.inc({ class: className, found }, totals[className][found]);
    },
  });
  const gauge = gaugesOf(registry);
  gauge('holdfast_cache_memory_bytes', 'Cached values held in memory', () => cache.sizes.memoryBytes);
  gauge('holdfast_cache_file_bytes', 'Cached values in the file', () => cache.sizes.fileBytes);
  gauge('holdfast_cache_has_file', '0 while the file cannot be used and values are in memory alone', () =>
    cache.sizes.hasFile ? 1 : 0,
  );
}
