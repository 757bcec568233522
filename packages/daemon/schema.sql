-- Schema 6

CREATE TABLE agents (
  name TEXT PRIMARY KEY,
  created_at INTEGER NOT NULL
, incarnation TEXT, seq INTEGER NOT NULL DEFAULT 0, put_back_at INTEGER, damaged_reason TEXT, damaged_at INTEGER, set_aside TEXT, restoring TEXT) STRICT, WITHOUT ROWID;

CREATE TABLE arrivals (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  cursor TEXT,
  has_left_out INTEGER NOT NULL DEFAULT 0 CHECK (has_left_out IN (0, 1))
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
, adopting INTEGER NOT NULL DEFAULT 0 CHECK (adopting IN (0, 1))) STRICT;

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

CREATE TABLE node (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  suffix TEXT NOT NULL
, network_fence INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE TABLE subscriptions (
  name TEXT PRIMARY KEY,
  scope TEXT NOT NULL -- in JSON
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  role TEXT NOT NULL CHECK (role IN ('agent', 'admin')),
  agent TEXT REFERENCES agents (name) CHECK ((agent IS NULL) = (role = 'admin')),
  resource TEXT,
  hash TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
