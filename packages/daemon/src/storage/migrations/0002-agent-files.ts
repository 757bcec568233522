import type { Migration } from '@holdfast/sqlite';

/** How far each agent's file was, so that one put back, damaged or being restored is known as such; and taking over a node. */
export const agentFiles: Migration = {
  name: 'what is known of agents’ files',
  sql: `
ALTER TABLE agents ADD COLUMN incarnation TEXT;
ALTER TABLE agents ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agents ADD COLUMN put_back_at INTEGER;
ALTER TABLE agents ADD COLUMN damaged_reason TEXT;
ALTER TABLE agents ADD COLUMN damaged_at INTEGER;
ALTER TABLE agents ADD COLUMN set_aside TEXT;
ALTER TABLE agents ADD COLUMN restoring TEXT;
ALTER TABLE enrolment ADD COLUMN adopting INTEGER NOT NULL DEFAULT 0 CHECK (adopting IN (0, 1));
`,
  down: {
    sql: `
ALTER TABLE enrolment DROP COLUMN adopting;
ALTER TABLE agents DROP COLUMN restoring;
ALTER TABLE agents DROP COLUMN set_aside;
ALTER TABLE agents DROP COLUMN damaged_at;
ALTER TABLE agents DROP COLUMN damaged_reason;
ALTER TABLE agents DROP COLUMN put_back_at;
ALTER TABLE agents DROP COLUMN seq;
ALTER TABLE agents DROP COLUMN incarnation;
`,
    unless: [
      {
        finds: 'SELECT 1 FROM agents WHERE coalesce(damaged_reason, set_aside, restoring, put_back_at) IS NOT NULL',
        reason: 'an agent’s file is damaged, put back or being restored, and the version before would take it as it is',
      },
      {
        finds: 'SELECT 1 FROM enrolment WHERE adopting = 1',
        reason: 'the node is taking over another, and the version before would not go on with that',
      },
    ],
  },
};
