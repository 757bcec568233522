import type { Database } from '@holdfast/sqlite';

import { EMPTY_DIGEST } from '../digest.ts';
import { hasColumn } from '../has-column.ts';
import { counterProblem, countRecords, type KeptCount, wrongCounts } from './counters.ts';
import type { Problem } from './report.ts';

interface AgentColumns {
  readonly id: number;
  readonly digest: string;
}

/** Compares the counters of a relay's file with its records, all in one read. */
export function checkRelayCounters(database: Database): Problem[] {
  const hasDigests = hasColumn(database, 'agents', 'digest');
  // An outdated or damaged record counts for nothing, as a rejected one does that the relay holds nothing for.
  const select = `SELECT agent_id AS owner, position AS place, collection, version, expires_at, deleted, hash,
    ${hasDigests ? '(outdated OR damaged)' : '0'} AS rejected, NULL AS relay_hash FROM records`;
  const check = database.transaction(() => {
    const lastPosition = database.prepare('SELECT last_position FROM relay').pluck().get() as number | undefined;
    const counted = countRecords(database, select, 0);
    const kept = database.prepare('SELECT agent_id AS owner, name, records FROM collections').all() as KeptCount[];
    const digests = hasDigests ? (database.prepare('SELECT id, digest FROM agents').all() as AgentColumns[]) : [];
    return counterProblem([
      ['last_position', lastPosition !== undefined && lastPosition >= counted.lastPlace],
      ['collections', wrongCounts(kept, counted.live) === 0],
      ['digest', digests.every(({ id, digest }) => digest === (counted.digests.get(id) ?? EMPTY_DIGEST))],
    ]);
  });
  return check();
}
