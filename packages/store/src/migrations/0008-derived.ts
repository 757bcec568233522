import type { Migration } from '@holdfast/sqlite';

/**
 * Of which records members and words are kept so far: those with seqs from `first` to `last`; see `DerivedRange`. The version before keeps
 * them of all, and makes them all anew when it does not find of which fields they are.
 */
export const derived: Migration = {
  name: 'derived',
  sql: `
CREATE TABLE derived (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  first INTEGER NOT NULL,
  last INTEGER NOT NULL
) STRICT;
INSERT INTO derived (id, first, last)
  SELECT 1, min(0, ifnull(min(seq), 0)), max(0, ifnull(max(seq), 0)) FROM records;
`,
  down: {
    sql: `
DELETE FROM member_fields;
DELETE FROM text_fields;
DROP TABLE derived;
`,
  },
};
