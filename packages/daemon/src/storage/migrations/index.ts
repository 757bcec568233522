import type { Migration } from '@holdfast/sqlite';

import { node } from './0001-node.ts';
import { agentFiles } from './0002-agent-files.ts';
import { leases } from './0003-leases.ts';
import { networkFence } from './0004-network-fence.ts';
import { arrivals } from './0005-arrivals.ts';
import { subscriptions } from './0006-subscriptions.ts';

/** The schema of a node's own database, `node.db`, step by step. */
export const nodeMigrations: readonly Migration[] = Object.freeze([
  node,
  agentFiles,
  leases,
  networkFence,
  arrivals,
  subscriptions,
]);
