import type { Migration } from '@holdfast/sqlite';

/**
 * What is remembered of records that the relay's retention removed, by agent: what each adds to the digest, and its version. `key`
 * is the hash of the record's key.
 */
export const retention: Migration = {
  name: 'retention',
  sql: `
CREATE TABLE retired (
  agent_id INTEGER NOT NULL,
  key BLOB NOT NULL,
  bucket INTEGER NOT NULL,
  version TEXT NOT NULL,
  share TEXT NOT NULL,
  PRIMARY KEY (agent_id, key)
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
        reason: 'retention removed records, and the version before would take that for a difference from their nodes',
      },
    ],
  },
};
