import { test } from 'vitest';

import { powerCut } from './power/power-cut.ts';
import { expectSliceHolds, SLICE_LIMIT_MS } from './slice.ts';

test(
  'a node and a relay have everything they acknowledged after a power cut',
  (context) => expectSliceHolds(powerCut, context),
  SLICE_LIMIT_MS,
);
