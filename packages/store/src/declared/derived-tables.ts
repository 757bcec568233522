import type { Migration } from '@holdfast/sqlite';

/**
 * What is derived from declared fields of records, in agent files and on the relay alike; `record` is the key of the records
 * table. `members`: texts and numbers of lists, by field. The tables of fields say of which fields members and words are kept: of every
 * live record of a collection that is named there.
 */
export const derivedTables: Pick<Migration, 'sql' | 'down'> = {
  sql: `
CREATE TABLE member_fields (
  field INTEGER PRIMARY KEY,
  collection TEXT NOT NULL,
  path TEXT NOT NULL,
  UNIQUE (collection, path)
) STRICT;

CREATE TABLE members (
  field INTEGER NOT NULL,
  value ANY NOT NULL,
  record INTEGER NOT NULL,
  PRIMARY KEY (field, value, record)
) STRICT, WITHOUT ROWID;

CREATE TABLE text_fields (
  collection TEXT NOT NULL,
  path TEXT NOT NULL,
  PRIMARY KEY (collection, path)
) STRICT, WITHOUT ROWID;
`,
  // Indexes over declared fields stay: SQLite keeps them up by itself.
  down: {
    sql: `
DROP TABLE IF EXISTS texts;
DROP TABLE text_fields;
DROP TABLE members;
DROP TABLE member_fields;
`,
  },
};

/**
 * The words of searched fields, and the collection as a word of its own (`owner`). Only what has a searched field has this
 * table: it takes its time to be made and opened.
 */
export const TEXTS_TABLE = `
CREATE VIRTUAL TABLE IF NOT EXISTS texts USING fts5(
  owner, body, content='', contentless_delete=1, tokenize="unicode61 remove_diacritics 2"
)`;
