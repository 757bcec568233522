-- Schema 8

CREATE TABLE agents (
  id INTEGER PRIMARY KEY,
  node TEXT NOT NULL REFERENCES nodes (name),
  agent TEXT NOT NULL, digest TEXT NOT NULL DEFAULT '0000000000000000', waiting INTEGER,
  UNIQUE (node, agent)
) STRICT;

CREATE TABLE collections (
  agent_id INTEGER NOT NULL REFERENCES agents (id),
  name TEXT NOT NULL,
  records INTEGER NOT NULL,
  PRIMARY KEY (agent_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE dead_letters (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  stream_id INTEGER NOT NULL REFERENCES streams (id),
  seq INTEGER NOT NULL,
  code TEXT NOT NULL,
  reason TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  resource TEXT,
  collection TEXT,
  record TEXT,
  version TEXT,
  change TEXT NOT NULL,
  UNIQUE (stream_id, seq)
) STRICT;

CREATE TABLE feed_floors (
  agent_id INTEGER NOT NULL REFERENCES agents (id),
  collection TEXT NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (agent_id, collection)
) STRICT, WITHOUT ROWID;

CREATE TABLE last_fence (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  fence INTEGER NOT NULL
) STRICT;

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

CREATE TABLE member_fields (
  field INTEGER PRIMARY KEY,
  collection TEXT NOT NULL,
  path TEXT NOT NULL,
  UNIQUE (collection, path)
) STRICT;

CREATE TABLE nodes (
  name TEXT PRIMARY KEY,
  joined_at INTEGER NOT NULL,
  last_contact_at INTEGER,
  boot TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE records (
  position INTEGER PRIMARY KEY,
  agent_id INTEGER NOT NULL,
  stream_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
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
, outdated INTEGER NOT NULL DEFAULT 0, damaged INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE INDEX records_expiry ON records (expires_at) WHERE expires_at IS NOT NULL;

CREATE UNIQUE INDEX records_key ON records (collection, id, agent_id, resource);

CREATE INDEX records_outdated ON records (agent_id) WHERE outdated = 1;

CREATE INDEX records_stream ON records (stream_id, seq);

CREATE TABLE relay (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  epoch TEXT NOT NULL,
  last_position INTEGER NOT NULL
) STRICT;

CREATE TABLE retired (
  agent_id INTEGER NOT NULL,
  key BLOB NOT NULL,
  bucket INTEGER NOT NULL,
  version TEXT NOT NULL,
  share TEXT NOT NULL,
  PRIMARY KEY (agent_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE starts (
  number INTEGER PRIMARY KEY,
  node TEXT NOT NULL REFERENCES nodes (name),
  start TEXT NOT NULL,
  parent TEXT,
  UNIQUE (node, start)
) STRICT;

CREATE TABLE streams (
  id INTEGER PRIMARY KEY,
  agent_id INTEGER NOT NULL REFERENCES agents (id),
  incarnation TEXT NOT NULL,
  cursor_seq INTEGER NOT NULL,
  cursor_version TEXT NOT NULL,
  last_change_at INTEGER,
  UNIQUE (agent_id, incarnation)
) STRICT;

CREATE TABLE superseded_boots (
  node TEXT NOT NULL REFERENCES nodes (name),
  boot TEXT NOT NULL,
  superseded_at INTEGER NOT NULL,
  PRIMARY KEY (node, boot)
) STRICT, WITHOUT ROWID;

CREATE TABLE text_fields (
  collection TEXT NOT NULL,
  path TEXT NOT NULL,
  PRIMARY KEY (collection, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  hash TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('join', 'node', 'viewer', 'operator', 'admin')),
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  used_at INTEGER
, replaces INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;

CREATE INDEX tokens_expiry ON tokens (expires_at) WHERE expires_at IS NOT NULL;
