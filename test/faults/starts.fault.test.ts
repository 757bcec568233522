import { test } from 'vitest';

import { racingStarts } from './starts/racing-starts.ts';
import { recoveryTime } from './starts/recovery-time.ts';
import { expectSliceHolds, SLICE_LIMIT_MS } from './slice.ts';

test(
  'of daemons started at once on one directory exactly one serves',
  (context) => expectSliceHolds(racingStarts, context),
  SLICE_LIMIT_MS,
);

test(
  'a daemon killed with a log of 64 MiB starts and has its records',
  (context) => expectSliceHolds(recoveryTime, context),
  SLICE_LIMIT_MS,
);
