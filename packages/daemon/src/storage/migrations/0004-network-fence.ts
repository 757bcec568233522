import type { Migration } from '@holdfast/sqlite';

/** The highest fence of a lease of the network that this node has seen: a relay that was put back goes on above it. */
export const networkFence: Migration = {
  name: 'network fence',
  sql: 'ALTER TABLE node ADD COLUMN network_fence INTEGER NOT NULL DEFAULT 0;',
  down: { sql: 'ALTER TABLE node DROP COLUMN network_fence;' },
};
