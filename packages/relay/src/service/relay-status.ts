import type { RelayStatus } from '@holdfast/protocol';
import type { DiskWatch } from '@holdfast/sqlite';
import { type Scrubber, toTimestamp } from '@holdfast/store';

import type { RelayStore } from '../storage/relay-store.ts';
import type { EpochFile } from './epoch-file.ts';

/** What a relay's status is made of. */
export interface RelayStatusSources {
  readonly store: Pick<RelayStore, 'epoch' | 'leases'>;
  readonly epochFile: Pick<EpochFile, 'misfit'>;
  readonly disk: Pick<DiskWatch, 'status'>;
  readonly scrubber: Pick<Scrubber, 'status'>;
  readonly version: string;
  readonly startedAtMs: number;
}

/** The relay's own state. Reads nothing from the database: it answers also when that cannot. */
export function relayStatus(sources: RelayStatusSources): RelayStatus {
  const { store, epochFile, disk, scrubber, version, startedAtMs } = sources;
  const { held, waiting } = store.leases.figures;
  return {
    version,
    started_at: toTimestamp(startedAtMs),
    epoch: store.epoch,
    put_back: epochFile.misfit ?? null,
    disk: disk.status(),
    scrub: scrubber.status,
    locks: { held, waiting },
  };
}
