import { backupPoints } from './backups/backup-points.ts';
import { clone } from './copies/clone.ts';
import { oldCopy } from './copies/old-copy.ts';
import { fullDisk } from './disks/full-disk.ts';
import { noFileHandles } from './disks/no-file-handles.ts';
import { readOnly } from './disks/read-only.ts';
import type { FaultCase } from './fault-case.ts';
import { killNode } from './kills/kill-node.ts';
import { killRelay } from './kills/kill-relay.ts';
import { mutants } from './mutants/mutants.ts';
import { crashPoints, errorPoints } from './points/crash-points.ts';
import { servicePoints } from './points/service-points.ts';
import { powerCut } from './power/power-cut.ts';
import { restoreGigabyte } from './restores/restore-gigabyte.ts';
import { racingStarts } from './starts/racing-starts.ts';
import { recoveryTime } from './starts/recovery-time.ts';
import { backlog } from './ways/backlog.ts';
import { wrongClock } from './ways/clock.ts';
import { proxyFaults } from './ways/proxy.ts';
import { relayStopped } from './ways/relay-stopped.ts';

/** Every fault that is put into real processes and files, in the order they are run. */
export const faultCases: readonly FaultCase[] = [
  killNode,
  killRelay,
  powerCut,
  crashPoints,
  errorPoints,
  servicePoints,
  backupPoints,
  mutants,
  oldCopy,
  clone,
  fullDisk,
  readOnly,
  noFileHandles,
  relayStopped,
  proxyFaults,
  wrongClock,
  racingStarts,
  recoveryTime,
  backlog,
  restoreGigabyte,
];
