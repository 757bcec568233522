import type { Migration } from '@holdfast/sqlite';

/** The highest fence seen for each lock with a write; see `SeenFences`. */
export const fences: Migration = {
  name: 'fences',
  sql: `
CREATE TABLE fences (
  scope TEXT NOT NULL,
  resource TEXT NOT NULL,
  lock TEXT NOT NULL,
  fence INTEGER NOT NULL,
  seal TEXT NOT NULL,
  PRIMARY KEY (scope, resource, lock)
) STRICT, WITHOUT ROWID;
`,
  down: {
    sql: 'DROP TABLE fences;',
    unless: [
      { finds: 'SELECT 1 FROM fences', reason: 'writes carry fences, and the version before would take stale ones' },
    ],
  },
};
