import { test } from 'vitest';

import { backupPoints } from './backups/backup-points.ts';
import { crashPoints, errorPoints } from './points/crash-points.ts';
import { servicePoints } from './points/service-points.ts';
import { expectSliceHolds, SLICE_LIMIT_MS } from './slice.ts';

test(
  'a crash at any call that changes a file leaves what was answered and no half of anything',
  (context) => expectSliceHolds(crashPoints, context),
  SLICE_LIMIT_MS,
);

test(
  'an I/O error at any call that changes a file leaves what was answered and no half of anything',
  (context) => expectSliceHolds(errorPoints, context),
  SLICE_LIMIT_MS,
);

test(
  'a service that meets a fault at some call starts again and has all it acknowledged',
  (context) => expectSliceHolds(servicePoints, context),
  SLICE_LIMIT_MS,
);

test(
  'a backup or restore that meets a fault harms nothing, and the next one succeeds',
  (context) => expectSliceHolds(backupPoints, context),
  SLICE_LIMIT_MS,
);
