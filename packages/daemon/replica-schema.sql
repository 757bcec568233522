-- Schema 1

CREATE TABLE agents (
  id INTEGER PRIMARY KEY,
  node TEXT NOT NULL,
  agent TEXT NOT NULL,
  UNIQUE (node, agent)
) STRICT;

CREATE TABLE collections (
  agent_id INTEGER NOT NULL REFERENCES agents (id),
  name TEXT NOT NULL,
  records INTEGER NOT NULL,
  PRIMARY KEY (agent_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE member_fields (
  field INTEGER PRIMARY KEY,
  collection TEXT NOT NULL,
  path TEXT NOT NULL,
  UNIQUE (collection, path)
) STRICT;

CREATE TABLE records (
  position INTEGER PRIMARY KEY,
  agent_id INTEGER NOT NULL,
  resource TEXT NOT NULL,
  collection TEXT NOT NULL,
  id TEXT NOT NULL,
  version TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  expires_at INTEGER,
  deleted INTEGER NOT NULL DEFAULT 0 CHECK (deleted = 0),
  doc TEXT NOT NULL
) STRICT;

CREATE INDEX records_expiry ON records (expires_at) WHERE expires_at IS NOT NULL;

CREATE UNIQUE INDEX records_key ON records (collection, id, agent_id, resource);

CREATE TABLE replica (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  life TEXT NOT NULL, -- names this file: page tokens are tied to it
  last_position INTEGER NOT NULL,
  shared_collections TEXT NOT NULL -- as the relay said last, in JSON
) STRICT;

CREATE TABLE subscriptions (
  name TEXT PRIMARY KEY,
  scope TEXT NOT NULL, -- in JSON
  cursor TEXT, -- NULL: the feed is read from the beginning
  rights TEXT, -- what the node could read when that was begun; NULL: not known yet
  started_over_at INTEGER, -- the last position when it was read from the beginning again; NULL: it is not
  caught_up_at INTEGER -- when the node last had all there was; NULL: never
) STRICT, WITHOUT ROWID;

CREATE TABLE text_fields (
  collection TEXT NOT NULL,
  path TEXT NOT NULL,
  PRIMARY KEY (collection, path)
) STRICT, WITHOUT ROWID;
