import { test } from 'vitest';

import { clone } from './copies/clone.ts';
import { oldCopy } from './copies/old-copy.ts';
import { restoreGigabyte } from './restores/restore-gigabyte.ts';
import { expectSliceHolds, SLICE_LIMIT_MS } from './slice.ts';

test(
  'an older copy put back is told, and nothing that existed is lost',
  (context) => expectSliceHolds(oldCopy, context),
  SLICE_LIMIT_MS,
);

test(
  'of two copies of a node one is kept out, and nothing either was told is lost',
  (context) => expectSliceHolds(clone, context),
  SLICE_LIMIT_MS,
);

test(
  'a node whose machine is gone is taken over from the relay, complete and equal',
  (context) => expectSliceHolds(restoreGigabyte, context),
  SLICE_LIMIT_MS,
);
