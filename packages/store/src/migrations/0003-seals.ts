import type { Database, Migration } from '@holdfast/sqlite';

import { sealAll } from '../seal.ts';

/** Seals over the rows that are no records: a content hash covers those, and nothing covered these. */
export const seals: Migration = {
  name: 'seals',
  sql: `
ALTER TABLE stream ADD COLUMN seal TEXT NOT NULL DEFAULT '';

ALTER TABLE idempotency ADD COLUMN seal TEXT NOT NULL DEFAULT '';

ALTER TABLE dead_letters ADD COLUMN seal TEXT NOT NULL DEFAULT '';
`,
  fill: (database: Database) => {
    sealAll(database, 'stream');
    sealAll(database, 'idempotency');
    sealAll(database, 'dead_letters');
  },
  down: {
    sql: `
ALTER TABLE dead_letters DROP COLUMN seal;
ALTER TABLE idempotency DROP COLUMN seal;
ALTER TABLE stream DROP COLUMN seal;
`,
  },
};
