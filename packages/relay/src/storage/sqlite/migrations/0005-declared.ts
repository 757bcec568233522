import type { Migration } from '@holdfast/sqlite';
import { DERIVED_TABLES } from '@holdfast/store';

/** What records are found by beside their keys: members of lists, and words. Filled when the file is opened. */
export const declared: Migration = {
  name: 'declared',
  sql: DERIVED_TABLES,
  // Indexes over declared fields stay: SQLite keeps them up by itself.
  down: {
    sql: `
DROP TABLE IF EXISTS texts;
DROP TABLE text_fields;
DROP TABLE members;
DROP TABLE member_fields;
`,
  },
};
