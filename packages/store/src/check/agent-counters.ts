import type { Database } from '@holdfast/sqlite';

import { digestOf, digestText, EMPTY_DIGEST, isDigest } from '../digest.ts';
import { hasColumn } from '../has-column.ts';
import { countUnsealed } from '../seal.ts';
import { type Counted, counterProblem, countRecords, type KeptCount, wrongCounts } from './counters.ts';
import type { Problem } from './report.ts';

interface StreamColumns {
  readonly last_seq: number;
  readonly last_version: string;
  readonly acked_seq: number;
  readonly outbox: number;
  /** Null before schema 2. */
  readonly digest: string | null;
}

/** What of the stream and of a record has to do with digests. */
const COLUMNS = ['digest', 'rejected, relay_hash'] as const;
const COLUMNS_BEFORE_DIGESTS = ['NULL AS digest', '0 AS rejected, NULL AS relay_hash'] as const;

/** Compares the counters of an agent's file with its records, all in one read. */
export function checkAgentCounters(database: Database): Problem[] {
  const [digest, said] = hasColumn(database, 'stream', 'digest') ? COLUMNS : COLUMNS_BEFORE_DIGESTS;
  const select = `SELECT 0 AS owner, seq AS place, collection, version, expires_at, deleted, hash, ${said} FROM records`;
  const check = database.transaction(() => {
    const stream = database.prepare(`SELECT last_seq, last_version, acked_seq, outbox, ${digest} FROM stream`).get() as
      | StreamColumns
      | undefined;
    if (stream === undefined) return counterProblem([['stream', false]]);
    const counted = countRecords(database, select, stream.acked_seq);
    const isSealed = !hasColumn(database, 'stream', 'seal') || countUnsealed(database, 'stream') === 0;
    const kept = database.prepare('SELECT 0 AS owner, name, records FROM collections').all() as KeptCount[];
    return counterProblem([
      ...comparisons(stream, counted, retiredDigest(database)),
      ['seal', isSealed],
      ['collections', wrongCounts(kept, counted.live) === 0],
    ]);
  });
  return check();
}

function comparisons(
  stream: StreamColumns,
  counted: Counted,
  retired: bigint,
): (readonly [name: string, isRight: boolean])[] {
  const { last_seq, last_version, acked_seq, outbox, digest } = stream;
  return [
    ['last_seq', last_seq >= counted.lastPlace],
    ['last_version', last_version >= counted.lastVersion],
    ['acked_seq', acked_seq <= last_seq],
    ['outbox', outbox === counted.above],
    ['digest', digest === null || digest === digestText(digestOf(counted.digests.get(0) ?? EMPTY_DIGEST) ^ retired)],
  ];
}

/** What the records that retention removed add to the digest. */
function retiredDigest(database: Database): bigint {
  if (!hasColumn(database, 'retired', 'share')) return 0n;
  let digest = 0n;
  for (const share of database.prepare('SELECT share FROM retired').pluck().iterate() as Iterable<string>) {
    if (isDigest(share)) digest ^= digestOf(share);
  }
  return digest;
}
