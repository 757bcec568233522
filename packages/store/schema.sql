-- Schema 9

CREATE TABLE collections (
  name TEXT PRIMARY KEY,
  records INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

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
, seal TEXT NOT NULL DEFAULT '') STRICT;

CREATE INDEX dead_letters_seq ON dead_letters (seq);

CREATE TABLE derived (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  first INTEGER NOT NULL,
  last INTEGER NOT NULL
) STRICT;

CREATE TABLE feed (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  cursor TEXT,
  cursor_before TEXT,
  is_starting_over INTEGER NOT NULL CHECK (is_starting_over IN (0, 1)),
  seal TEXT NOT NULL
, lowest_seq INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE TABLE feed_met (
  resource TEXT NOT NULL,
  collection TEXT NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (resource, collection, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE fences (
  scope TEXT NOT NULL,
  resource TEXT NOT NULL,
  lock TEXT NOT NULL,
  fence INTEGER NOT NULL,
  seal TEXT NOT NULL,
  PRIMARY KEY (scope, resource, lock)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
  resource TEXT NOT NULL,
  key TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  answer TEXT NOT NULL,
  expires_at INTEGER NOT NULL, seal TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (resource, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_expiry ON idempotency (expires_at);

CREATE TABLE member_fields (
  field INTEGER PRIMARY KEY,
  collection TEXT NOT NULL,
  path TEXT NOT NULL,
  UNIQUE (collection, path)
) STRICT;

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
, rejected INTEGER NOT NULL DEFAULT 0, relay_hash TEXT) STRICT;

CREATE INDEX records_expiry ON records (expires_at) WHERE expires_at IS NOT NULL;

CREATE UNIQUE INDEX records_key ON records (collection, resource, id);

CREATE INDEX records_rejected ON records (seq) WHERE rejected = 1;

CREATE TABLE retired (
  key BLOB PRIMARY KEY,
  seq INTEGER NOT NULL,
  bucket INTEGER NOT NULL,
  version TEXT NOT NULL,
  share TEXT NOT NULL
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
, digest TEXT NOT NULL DEFAULT '0000000000000000', seal TEXT NOT NULL DEFAULT '') STRICT;

CREATE TABLE text_fields (
  collection TEXT NOT NULL,
  path TEXT NOT NULL,
  PRIMARY KEY (collection, path)
) STRICT, WITHOUT ROWID;
