import { test } from 'vitest';

import { mutants } from './mutants/mutants.ts';
import { expectSliceHolds, SLICE_LIMIT_MS } from './slice.ts';

test(
  'damage to a file of an agent is detected or does no harm',
  (context) => expectSliceHolds(mutants, context),
  SLICE_LIMIT_MS,
);
