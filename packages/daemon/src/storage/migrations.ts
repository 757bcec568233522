import type { Migration } from '@holdfast/sqlite';

const node: Migration = {
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
};

const agentFiles: Migration = {
  name: 'what is known of agents’ files',
  sql: `
ALTER TABLE agents ADD COLUMN incarnation TEXT;
ALTER TABLE agents ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agents ADD COLUMN put_back_at INTEGER;
ALTER TABLE agents ADD COLUMN damaged_reason TEXT;
ALTER TABLE agents ADD COLUMN damaged_at INTEGER;
ALTER TABLE agents ADD COLUMN set_aside TEXT;
ALTER TABLE agents ADD COLUMN restoring TEXT;
ALTER TABLE enrolment ADD COLUMN adopting INTEGER NOT NULL DEFAULT 0 CHECK (adopting IN (0, 1));
`,
};

/** The schema of a node's own database, `node.db`, step by step. */
export const nodeMigrations: readonly Migration[] = Object.freeze([node, agentFiles]);
