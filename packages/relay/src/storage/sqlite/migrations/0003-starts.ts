import type { Migration } from '@holdfast/sqlite';

/**
 * The starts of each node's daemon by what their versions end with, and the start each went on from (protocol rules 6 and 7); and
 * an index of the few records that are outdated.
 */
export const starts: Migration = {
  name: 'starts',
  sql: `
CREATE TABLE starts (
  number INTEGER PRIMARY KEY,
  node TEXT NOT NULL REFERENCES nodes (name),
  start TEXT NOT NULL,
  parent TEXT,
  UNIQUE (node, start)
) STRICT;

CREATE INDEX records_outdated ON records (agent_id) WHERE outdated = 1;
`,
  // Sessions name the last hundred starts, so that a line of them is learned again. A branch is not.
  down: {
    sql: `
DROP INDEX records_outdated;
DROP TABLE starts;
`,
    unless: [
      {
        finds: 'SELECT 1 FROM starts WHERE parent IS NOT NULL GROUP BY node, parent HAVING count(*) > 1',
        reason:
          'a copy of a node ran beside it or after it, and which of their writes came later would not be known any more',
      },
    ],
  },
};
