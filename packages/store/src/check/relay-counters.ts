import { SHARED_AGENT } from '@holdfast/protocol';
import type { Database } from '@holdfast/sqlite';

import { digestOf, digestText, EMPTY_DIGEST, isDigest } from '../digest.ts';
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
    const digests = hasDigests ? digestsOf(database) : [];
    const retired = retiredDigests(database);
    return counterProblem([
      ['last_position', lastPosition !== undefined && lastPosition >= counted.lastPlace],
      ['collections', wrongCounts(kept, counted.live) === 0],
      ['digest', digests.every(({ id, digest }) => digest === sumOf(counted.digests.get(id), retired.get(id)))],
    ]);
  });
  return check();
}

/** The digest of each agent. What all nodes share has none: no node holds it as its own. */
function digestsOf(database: Database): readonly AgentColumns[] {
  return database.prepare('SELECT id, digest FROM agents WHERE agent <> ?').all(SHARED_AGENT) as AgentColumns[];
}

function sumOf(counted = EMPTY_DIGEST, retired = 0n): string {
  return digestText(digestOf(counted) ^ retired);
}

/** What the records that retention removed add to each agent's digest. */
function retiredDigests(database: Database): ReadonlyMap<number, bigint> {
  const digests = new Map<number, bigint>();
  if (!hasColumn(database, 'retired', 'share')) return digests;
  const rows = database.prepare('SELECT agent_id AS id, share FROM retired');
  for (const { id, share } of rows.iterate() as Iterable<{ readonly id: number; readonly share: string }>) {
    if (isDigest(share)) digests.set(id, (digests.get(id) ?? 0n) ^ digestOf(share));
  }
  return digests;
}
