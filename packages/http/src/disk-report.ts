import type { DiskStatus, HoldfastError } from '@holdfast/protocol';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';

import { gaugesOf } from './metric-makers.ts';

/** Where a disk watch tells what it sees, the same in both services. */
export interface DiskReport {
  readonly onChange: (status: DiskStatus) => void;
  readonly onFailure: (failure: HoldfastError, file: string) => void;
  /** Resolves when a write or sync failed: the process must end. */
  readonly failed: Promise<HoldfastError>;
}

/** One log line when the disk takes no more writes, one when it does again, one when the service cannot go on. */
export function reportDisk(log: Logger): DiskReport {
  const { promise: failed, resolve } = Promise.withResolvers<HoldfastError>();
  return {
    failed,
    onChange: ({ state, ...bytes }) => {
      if (state === 'ok') log.info(bytes, 'the disk takes writes again');
      else if (state === 'low') log.warn(bytes, 'the disk is nearly full: writes are refused until there is room');
      else log.warn(bytes, 'the disk is read-only: writes are refused until it is writable');
    },
    onFailure: (failure, file) => {
      log.fatal(
        { file, reason: failure.message },
        'the disk failed: nothing is acknowledged any more, the service ends',
      );
      resolve(failure);
    },
  };
}

const stateValues: Readonly<Record<DiskStatus['state'], number>> = { ok: 0, low: 1, 'read-only': 2 };

/** Adds the disk's gauges to a registry; `read` is asked whenever somebody looks. */
export function addDiskGauges(registry: Registry, read: () => DiskStatus): void {
  const gauge = gaugesOf(registry);
  gauge('holdfast_disk_free_bytes', 'Free space under the data directory', () => read().free_bytes);
  gauge('holdfast_disk_state', '0: takes writes, 1: below the reserve, 2: read-only', () => stateValues[read().state]);
}
