import type { Database, Migration } from '@holdfast/sqlite';

import { sealAll } from '../seal.ts';

/**
 * Where the last record that came by the feed was put. The records themselves do not tell: the last one may have been written over
 * since, or swept, and its place given out again would be passed over by who went on from it.
 */
export const feedPlace: Migration = {
  name: 'feed-place',
  sql: `
ALTER TABLE feed ADD COLUMN lowest_seq INTEGER NOT NULL DEFAULT 0;

UPDATE feed SET lowest_seq = (SELECT min(0, coalesce(min(seq), 0)) FROM records);
`,
  fill: (database: Database) => sealAll(database, 'feed'),
  // Without its row the feed is read from the beginning, and nothing is deleted for it.
  down: {
    sql: `
DELETE FROM feed;
ALTER TABLE feed DROP COLUMN lowest_seq;
`,
  },
};
