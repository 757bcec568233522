import { SHARED_AGENT } from '@holdfast/protocol';
import type { Migration } from '@holdfast/sqlite';

/**
 * What all nodes share: it belongs to the network, which stands here as a node without a name. And up to where records were removed
 * of which a reader of the feed may still have an older state (protocol rule 15).
 */
export const feed: Migration = {
  name: 'feed',
  sql: `
INSERT INTO nodes (name, joined_at) VALUES ('', 0);

INSERT INTO agents (id, node, agent) VALUES (0, '', '${SHARED_AGENT}');

CREATE TABLE feed_floors (
  agent_id INTEGER NOT NULL REFERENCES agents (id),
  collection TEXT NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (agent_id, collection)
) STRICT, WITHOUT ROWID;
`,
  down: {
    sql: `
DROP TABLE feed_floors;
DELETE FROM collections WHERE agent_id = 0;
DELETE FROM agents WHERE id = 0;
DELETE FROM nodes WHERE name = '';
`,
    unless: [
      {
        finds: 'SELECT 1 FROM records WHERE agent_id = 0',
        reason: 'there are records that all nodes share, and the version before would not know whose they are',
      },
    ],
  },
};
