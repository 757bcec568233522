import type { Migration } from '@holdfast/sqlite';

import { network } from './0001-network.ts';
import { digests } from './0002-digests.ts';
import { starts } from './0003-starts.ts';
import { waiting } from './0004-waiting.ts';
import { declared } from './0005-declared.ts';
import { retention } from './0006-retention.ts';
import { feed } from './0007-feed.ts';
import { leases } from './0008-leases.ts';

/** The schema of the relay's database on SQLite, `relay.db`, step by step. */
export const sqliteRelayMigrations: readonly Migration[] = Object.freeze([
  network,
  digests,
  starts,
  waiting,
  declared,
  retention,
  feed,
  leases,
]);
