import { test } from 'vitest';

import { crashPoints, errorPoints } from './points/crash-points.ts';
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
