import type { Migration } from '@holdfast/sqlite';

/**
 * What is remembered of records that retention removed, so that node and relay still speak of the same: what each adds to the
 * digest, and its version. `key` is the hash of the record's key. A key of one byte stands for what is known of that bucket alone.
 */
export const retention: Migration = {
  name: 'retention',
  sql: `
CREATE TABLE retired (
  key BLOB PRIMARY KEY,
  seq INTEGER NOT NULL,
  bucket INTEGER NOT NULL,
  version TEXT NOT NULL,
  share TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Members of lists once stood in a table of another kind; they are found out anew when the file is opened.
DROP TABLE IF EXISTS members;
DELETE FROM member_fields;
`,
  down: {
    sql: 'DROP TABLE retired;',
    unless: [
      {
        finds: 'SELECT 1 FROM retired',
        reason: 'retention removed records, and the version before would take that for a difference from the relay',
      },
    ],
  },
};
