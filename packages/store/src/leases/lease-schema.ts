import type { Migration } from '@holdfast/sqlite';

/** Who holds which lock, and the fence given last; on a node and on the relay alike. */
export const leaseTables: Pick<Migration, 'sql' | 'down'> = {
  sql: `
CREATE TABLE leases (
  resource TEXT NOT NULL,
  name TEXT NOT NULL,
  lease TEXT NOT NULL UNIQUE,
  fence INTEGER NOT NULL,
  node TEXT,
  agent TEXT NOT NULL,
  ttl_ms INTEGER NOT NULL,
  key TEXT,
  PRIMARY KEY (resource, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE last_fence (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  fence INTEGER NOT NULL
) STRICT;

INSERT INTO last_fence (id, fence) VALUES (1, 0);
`,
  // How far the fences went stands in the file beside the database as well.
  down: {
    sql: `
DROP TABLE last_fence;
DROP TABLE leases;
`,
    unless: [{ finds: 'SELECT 1 FROM leases', reason: 'locks are held, and the version before knows of none' }],
  },
};
