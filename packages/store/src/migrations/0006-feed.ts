import type { Migration } from '@holdfast/sqlite';

/**
 * How far the feed was taken in (protocol rule 14), for the file of what all nodes share; others have no row. While it is read anew
 * from the beginning, what was met so far. A record that came by the feed stands at a seq below 0: it is no part of the file's stream.
 */
export const feed: Migration = {
  name: 'feed',
  sql: `
CREATE TABLE feed (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  cursor TEXT,
  cursor_before TEXT,
  is_starting_over INTEGER NOT NULL CHECK (is_starting_over IN (0, 1)),
  seal TEXT NOT NULL
) STRICT;

CREATE TABLE feed_met (
  resource TEXT NOT NULL,
  collection TEXT NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (resource, collection, id)
) STRICT, WITHOUT ROWID;
`,
  down: {
    sql: `
DROP TABLE feed_met;
DROP TABLE feed;
`,
    unless: [
      {
        finds: 'SELECT 1 FROM records WHERE seq < 0',
        reason: 'there are records of other nodes in it, and the version before would take them for its own',
      },
    ],
  },
};
