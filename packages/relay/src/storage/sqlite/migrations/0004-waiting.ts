import type { Migration } from '@holdfast/sqlite';

/** How many changes of each agent wait on its node, as the node told last; null: not known. For the freshness of answers. */
export const waiting: Migration = {
  name: 'waiting',
  sql: 'ALTER TABLE agents ADD COLUMN waiting INTEGER;',
  down: { sql: 'ALTER TABLE agents DROP COLUMN waiting;' },
};
