-- Schema 2

CREATE TABLE agents (
  name TEXT PRIMARY KEY,
  created_at INTEGER NOT NULL
, incarnation TEXT, seq INTEGER NOT NULL DEFAULT 0, put_back_at INTEGER, damaged_reason TEXT, damaged_at INTEGER, set_aside TEXT, restoring TEXT) STRICT, WITHOUT ROWID;

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

CREATE TABLE node (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  suffix TEXT NOT NULL
) STRICT;

CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  role TEXT NOT NULL CHECK (role IN ('agent', 'admin')),
  agent TEXT REFERENCES agents (name) CHECK ((agent IS NULL) = (role = 'admin')),
  resource TEXT,
  hash TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
