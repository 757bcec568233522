import type { Database, Migration } from '@holdfast/sqlite';

import { digestShare, digestText, EMPTY_DIGEST } from '../digest.ts';

/**
 * The digest of the records (protocol rule 12), and which of them it leaves out because the relay rejected them. Whose
 * dead letter was dropped before cannot be told any more: such a record is sent and rejected once again.
 */
export const digest: Migration = {
  name: 'digest',
  sql: `
ALTER TABLE stream ADD COLUMN digest TEXT NOT NULL DEFAULT '${EMPTY_DIGEST}';

ALTER TABLE records ADD COLUMN rejected INTEGER NOT NULL DEFAULT 0;

ALTER TABLE records ADD COLUMN relay_hash TEXT;

UPDATE records SET rejected = 1 WHERE seq IN (
  SELECT seq FROM dead_letters JOIN records USING (seq, version) WHERE seq <= (SELECT acked_seq FROM stream)
);

CREATE INDEX records_rejected ON records (seq) WHERE rejected = 1;

CREATE INDEX dead_letters_seq ON dead_letters (seq);
`,
  fill: (database: Database) => {
    const hashes = database.prepare('SELECT hash FROM records WHERE expires_at IS NULL AND rejected = 0').pluck();
    let sum = 0n;
    for (const hash of hashes.iterate() as IterableIterator<string>) sum ^= digestShare({ hash, expiresAtMs: null });
    database.prepare('UPDATE stream SET digest = ?').run(digestText(sum));
  },
  // What was rejected is known by its dead letter; where that was dropped, the record is sent and rejected once again.
  down: {
    sql: `
DROP INDEX dead_letters_seq;
DROP INDEX records_rejected;
ALTER TABLE records DROP COLUMN relay_hash;
ALTER TABLE records DROP COLUMN rejected;
ALTER TABLE stream DROP COLUMN digest;
`,
  },
};
