import type { Migration } from '@holdfast/sqlite';

/** What the node subscribed to by calls. The records are in `replica.db`, which may be thrown away; this may not. */
export const subscriptions: Migration = {
  name: 'subscriptions',
  sql: `
CREATE TABLE subscriptions (
  name TEXT PRIMARY KEY,
  scope TEXT NOT NULL -- in JSON
) STRICT, WITHOUT ROWID;
`,
  down: { sql: 'DROP TABLE subscriptions;' },
};
