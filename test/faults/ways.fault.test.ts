import { test } from 'vitest';

import { backlog } from './ways/backlog.ts';
import { wrongClock } from './ways/clock.ts';
import { proxyFaults } from './ways/proxy.ts';
import { relayStopped } from './ways/relay-stopped.ts';
import { expectSliceHolds, SLICE_LIMIT_MS } from './slice.ts';

test(
  'a relay that stands still holds no node up',
  (context) => expectSliceHolds(relayStopped, context),
  SLICE_LIMIT_MS,
);

test(
  'whatever the way does, each write is on the relay once',
  (context) => expectSliceHolds(proxyFaults, context),
  SLICE_LIMIT_MS,
);

test(
  'a clock ten years wrong loses and reorders nothing',
  (context) => expectSliceHolds(wrongClock, context),
  SLICE_LIMIT_MS,
);

test(
  'a backlog is drained when the partition ends, and both sides hold the same',
  (context) => expectSliceHolds(backlog, context),
  SLICE_LIMIT_MS,
);
