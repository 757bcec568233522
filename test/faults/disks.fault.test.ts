import { test } from 'vitest';

import { fullDisk } from './disks/full-disk.ts';
import { noFileHandles } from './disks/no-file-handles.ts';
import { readOnly } from './disks/read-only.ts';
import { expectSliceHolds, SLICE_LIMIT_MS } from './slice.ts';

test('a full disk is a pause', (context) => expectSliceHolds(fullDisk, context), SLICE_LIMIT_MS);

test(
  'a disk that turns read-only under load loses nothing acknowledged',
  (context) => expectSliceHolds(readOnly, context),
  SLICE_LIMIT_MS,
);

test(
  'without file handles agents are refused, and with handles again all is there',
  (context) => expectSliceHolds(noFileHandles, context),
  SLICE_LIMIT_MS,
);
