import { contextGet } from './figures/context-get.ts';
import { contextSpread } from './figures/context-spread.ts';
import { channelFanout } from './figures/channel-fanout.ts';
import { cacheHit } from './figures/cache-hit.ts';
import { defences } from './figures/defences.ts';
import { feedCatchup } from './figures/feed-catchup.ts';
import type { Figure } from './figures/figure.ts';
import { lockCycle } from './figures/lock-cycle.ts';
import { memoryNode } from './figures/memory-node.ts';
import { openUpgraded } from './figures/open-upgraded.ts';
import { queryNode } from './figures/query-node.ts';
import { queryRelay } from './figures/query-relay.ts';
import { queryText } from './figures/query-text.ts';
import { readGet } from './figures/read-get.ts';
import { startNodeFigure } from './figures/start-node.ts';
import { streamFigure } from './figures/stream.ts';
import { syncDrain } from './figures/sync-drain.ts';
import { syncVisible } from './figures/sync-visible.ts';
import { tasksClaim } from './figures/tasks-claim.ts';
import { writeBulk } from './figures/write-bulk.ts';
import { writeSingle } from './figures/write-single.ts';
import { writeValidated } from './figures/write-validated.ts';

/** Every figure, in the order it is measured and shown. */
export const figures: readonly Figure[] = [
  writeSingle,
  tasksClaim,
  channelFanout,
  lockCycle,
  writeBulk,
  readGet,
  cacheHit,
  writeValidated,
  queryNode,
  queryText,
  queryRelay,
  streamFigure,
  syncDrain,
  syncVisible,
  contextGet,
  contextSpread,
  feedCatchup,
  memoryNode,
  startNodeFigure,
  openUpgraded,
  defences,
];
