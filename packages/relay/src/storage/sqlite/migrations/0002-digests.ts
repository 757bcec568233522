import type { Database, Migration } from '@holdfast/sqlite';
import { digestText } from '@holdfast/store';

import { type CountedColumns, shareOf } from '../record-row.ts';

/**
 * The digest of each agent's records (protocol rule 12), and join tokens that replace a node. Two kinds of
 * records are no part of it: an outdated one, of which a newer version came and was refused, as the node's digest counts neither;
 * and a damaged one, which rotted on the disk, so that the node finds that it is missing and sends its own.
 */
export const digests: Migration = {
  name: 'digests',
  sql: `
ALTER TABLE agents ADD COLUMN digest TEXT NOT NULL DEFAULT '0000000000000000';

ALTER TABLE records ADD COLUMN outdated INTEGER NOT NULL DEFAULT 0;

ALTER TABLE records ADD COLUMN damaged INTEGER NOT NULL DEFAULT 0;

ALTER TABLE tokens ADD COLUMN replaces INTEGER NOT NULL DEFAULT 0;

UPDATE records SET outdated = 1 FROM (
  SELECT agent_id, resource, collection, record, version FROM dead_letters JOIN streams ON streams.id = stream_id
) AS refused
WHERE records.collection = refused.collection AND records.id = refused.record AND records.agent_id = refused.agent_id
  AND records.resource = refused.resource AND records.version < refused.version;
`,
  fill: fillDigests,
  down: {
    sql: `
ALTER TABLE tokens DROP COLUMN replaces;
ALTER TABLE records DROP COLUMN damaged;
ALTER TABLE records DROP COLUMN outdated;
ALTER TABLE agents DROP COLUMN digest;
`,
    unless: [
      {
        finds: 'SELECT 1 FROM records WHERE damaged = 1',
        reason: 'records that rotted are marked, and the version before would give them out as sound',
      },
      {
        finds: `SELECT 1 FROM tokens WHERE replaces = 1 AND used_at IS NULL AND expires_at > unixepoch() * 1000`,
        reason: 'a join token that replaces a node still holds, and the version before would not keep it to that',
      },
    ],
  },
};

function fillDigests(database: Database): void {
  const digestsByAgent = new Map<number, bigint>();
  const records = database.prepare(
    'SELECT agent_id AS agentId, hash, expires_at AS expiresAtMs, outdated, damaged FROM records',
  );
  for (const row of records.iterate() as IterableIterator<CountedColumns & { readonly agentId: number }>) {
    digestsByAgent.set(row.agentId, (digestsByAgent.get(row.agentId) ?? 0n) ^ shareOf(row));
  }
  const save = database.prepare('UPDATE agents SET digest = ? WHERE id = ?');
  for (const [agentId, digest] of digestsByAgent) save.run(digestText(digest), agentId);
}
