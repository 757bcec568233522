import { test } from 'vitest';

import { killNode } from './kills/kill-node.ts';
import { killRelay } from './kills/kill-relay.ts';
import { expectSliceHolds, SLICE_LIMIT_MS } from './slice.ts';

test(
  'a node killed under load has every acknowledged write after each start',
  (context) => expectSliceHolds(killNode, context),
  SLICE_LIMIT_MS,
);

test(
  'a relay killed under load has everything it acknowledged after each start',
  (context) => expectSliceHolds(killRelay, context),
  SLICE_LIMIT_MS,
);
