import type { Migration } from '@holdfast/sqlite';

/** Who the node is, its starts, its agents and their tokens. */
export const node: Migration = {
  name: 'node',
  sql: `
CREATE TABLE node (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  suffix TEXT NOT NULL
) STRICT;

CREATE TABLE boots (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  boot TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE enrolment (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  name TEXT NOT NULL,
  relay_url TEXT NOT NULL,
  credential TEXT NOT NULL,
  joined_at INTEGER NOT NULL
) STRICT;

CREATE TABLE agents (
  name TEXT PRIMARY KEY,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  role TEXT NOT NULL CHECK (role IN ('agent', 'admin')),
  agent TEXT REFERENCES agents (name) CHECK ((agent IS NULL) = (role = 'admin')),
  resource TEXT,
  hash TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`,
  down: { refused: 'nothing stands before the first schema' },
};
