import type { Migration } from '@holdfast/sqlite';

/**
 * An agent's file. `records.seq` is the table's own key: the outbox is a range of it, read in the order it stands on
 * disk, and a change moves its record to the end.
 */
export const agentFile: Migration = {
  name: 'agent file',
  sql: `
CREATE TABLE records (
  seq INTEGER PRIMARY KEY,
  resource TEXT NOT NULL,
  collection TEXT NOT NULL,
  id TEXT NOT NULL,
  version TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  expires_at INTEGER,
  deleted INTEGER NOT NULL CHECK (deleted IN (0, 1)),
  hash TEXT NOT NULL,
  doc TEXT CHECK ((doc IS NULL) = deleted)
) STRICT;

CREATE UNIQUE INDEX records_key ON records (collection, resource, id);

CREATE INDEX records_expiry ON records (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE collections (
  name TEXT PRIMARY KEY,
  records INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE stream (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  incarnation TEXT NOT NULL,
  last_seq INTEGER NOT NULL,
  last_version TEXT NOT NULL,
  acked_seq INTEGER NOT NULL,
  acked_version TEXT NOT NULL,
  acked_at INTEGER,
  outbox INTEGER NOT NULL
) STRICT;

CREATE TABLE idempotency (
  resource TEXT NOT NULL,
  key TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  answer TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (resource, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_expiry ON idempotency (expires_at);

CREATE TABLE dead_letters (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  seq INTEGER NOT NULL,
  resource TEXT NOT NULL,
  collection TEXT NOT NULL,
  record TEXT NOT NULL,
  version TEXT NOT NULL,
  code TEXT NOT NULL,
  reason TEXT NOT NULL,
  rejected_at INTEGER NOT NULL
) STRICT;
`,
  down: { refused: 'nothing stands before the first schema' },
};
