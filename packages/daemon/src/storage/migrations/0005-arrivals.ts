import type { Migration } from '@holdfast/sqlite';

/** How far the node has read what is addressed to its agents, and the letters that none of their files could take. */
export const arrivals: Migration = {
  name: 'arrivals',
  sql: `
CREATE TABLE arrivals (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  cursor TEXT,
  has_left_out INTEGER NOT NULL DEFAULT 0 CHECK (has_left_out IN (0, 1))
) STRICT;

CREATE TABLE held_letters (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  agent TEXT NOT NULL,
  resource TEXT NOT NULL,
  id TEXT NOT NULL,
  sender TEXT NOT NULL,
  letter TEXT NOT NULL,
  until INTEGER NOT NULL,
  UNIQUE (agent, resource, id)
) STRICT;

CREATE INDEX held_letters_until ON held_letters (until);
`,
  down: {
    sql: `
DROP TABLE held_letters;
DROP TABLE arrivals;
`,
    unless: [
      {
        finds: 'SELECT 1 FROM held_letters',
        reason:
          'letters are held for agents that are not there or whose files do not serve, and the version before would lose them',
      },
    ],
  },
};
