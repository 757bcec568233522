import type { Database } from '@holdfast/sqlite';

import { digestText, storedShare } from '../digest.ts';
import type { StoredColumns } from '../row.ts';
import type { Problem } from './report.ts';

const HASH = /^[0-9a-f]{32}$/;

/** A record without its document. */
interface CountedColumns extends Pick<
  StoredColumns,
  'collection' | 'version' | 'expires_at' | 'deleted' | 'hash' | 'rejected' | 'relay_hash'
> {
  /** Whose it is: the relay's number of the agent; in an agent's own file always 0. */
  readonly owner: number;
  readonly place: number;
}

/** What counting the records of a file gave. */
export interface Counted {
  readonly lastPlace: number;
  readonly lastVersion: string;
  /** Records above the place the count was made with. */
  readonly above: number;
  /** Live records by owner and collection. */
  readonly live: ReadonlyMap<string, number>;
  /** Digests by owner. */
  readonly digests: ReadonlyMap<number, string>;
}

/** A count of live records that a file keeps. */
export interface KeptCount {
  readonly owner: number;
  /** The collection. */
  readonly name: string;
  readonly records: number;
}

/** Counts all records in the read under way. */
export function countRecords(database: Database, select: string, afterPlace: number): Counted {
  let lastPlace = 0;
  let lastVersion = '';
  let above = 0;
  const live = new Map<string, number>();
  const digests = new Map<number, bigint>();
  for (const row of database.prepare(select).iterate() as Iterable<CountedColumns>) {
    const { owner, place, version } = row;
    lastPlace = Math.max(lastPlace, place);
    if (version > lastVersion) lastVersion = version;
    if (place > afterPlace) above += 1;
    const key = liveKey(owner, row.collection);
    if (row.deleted === 0) live.set(key, (live.get(key) ?? 0) + 1);
    digests.set(owner, (digests.get(owner) ?? 0n) ^ shareOf(row));
  }
  const texts = [...digests].map(([owner, digest]) => [owner, digestText(digest)] as const);
  return { lastPlace, lastVersion, above, live, digests: new Map(texts) };
}

/** How many of the counts kept are not what counting gave. */
export function wrongCounts(kept: Iterable<KeptCount>, live: ReadonlyMap<string, number>): number {
  const uncounted = new Map(live);
  let wrong = 0;
  for (const { owner, name, records } of kept) {
    const key = liveKey(owner, name);
    if (records !== (uncounted.get(key) ?? 0)) wrong += 1;
    uncounted.delete(key);
  }
  return wrong + uncounted.size;
}

/** The problem that some kept figures are wrong, if any is. */
export function counterProblem(comparisons: readonly (readonly [name: string, isRight: boolean])[]): Problem[] {
  const wrong = comparisons.filter(([, isRight]) => !isRight).map(([name]) => name);
  if (wrong.length === 0) return [];
  return [{ kind: 'counter', count: wrong.length, detail: `not what counting gives: ${wrong.join(', ')}` }];
}

function liveKey(owner: number, collection: string): string {
  return `${owner}\0${collection}`;
}

// A hash that is none is found where hashes are compared; here it must not end the count.
function shareOf(row: CountedColumns): bigint {
  const digested = row.rejected === 0 ? row.hash : (row.relay_hash ?? row.hash);
  return HASH.test(digested) ? storedShare(row) : 0n;
}
