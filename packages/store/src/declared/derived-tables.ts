import type { Migration } from '@holdfast/sqlite';

/**
 * Of which fields something is derived, in agent files and on the relay alike: members of lists, and words of texts; of every live
 * record of a collection that is named there. What is derived stands in tables that are made when they are needed (`KeptTable`).
 */
export const derivedTables: Pick<Migration, 'sql' | 'down'> = {
  sql: `
CREATE TABLE member_fields (
  field INTEGER PRIMARY KEY,
  collection TEXT NOT NULL,
  path TEXT NOT NULL,
  UNIQUE (collection, path)
) STRICT;

CREATE TABLE text_fields (
  collection TEXT NOT NULL,
  path TEXT NOT NULL,
  PRIMARY KEY (collection, path)
) STRICT, WITHOUT ROWID;
`,
  // Indexes over declared fields stay: SQLite keeps them up by itself.
  down: {
    sql: `
DROP TABLE IF EXISTS texts;
DROP TABLE IF EXISTS members;
DROP TABLE text_fields;
DROP TABLE member_fields;
`,
  },
};
