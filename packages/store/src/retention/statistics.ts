import type { StatisticsOwner } from '@holdfast/protocol';

import { toTimestamp } from '../query/timestamp.ts';

const DAY_MS = 86_400_000;

/** Over so many days growth is told. */
const GROWTH_DAYS = 7;

/** What of a record goes into statistics. */
export interface TalliedRecord {
  readonly collection: string;
  readonly created_at: number;
  readonly updated_at: number;
  readonly deleted: number;
  /** Of its document. */
  readonly bytes: number | null;
}

/** The columns of a `TalliedRecord`. The length of a document is told by its header: the document is not read. */
export const TALLIED_COLUMNS = 'collection, created_at, updated_at, deleted, octet_length(doc) AS bytes';

/** How much one collection holds. Times are milliseconds since 1970. */
export interface CollectionFigures {
  readonly name: string;
  readonly records: number;
  /** Of documents. */
  readonly bytes: number;
  readonly tombstones: number;
  /** Last change of the record that was changed the longest time ago; null: there is none. */
  readonly oldestMs: number | null;
  readonly newestMs: number | null;
  /** Live records made in the last days, by how many days that are. */
  readonly recordsPerDay: number;
  readonly bytesPerDay: number;
}

/** Figures as answers have them. */
export function statisticsAnswer(figures: CollectionFigures): StatisticsOwner['collections'][number] {
  const { name, records, bytes, tombstones, oldestMs, newestMs, recordsPerDay, bytesPerDay } = figures;
  return {
    name,
    records,
    bytes,
    tombstones,
    oldest: oldestMs === null ? null : toTimestamp(oldestMs),
    newest: newestMs === null ? null : toTimestamp(newestMs),
    records_per_day: recordsPerDay,
    bytes_per_day: bytesPerDay,
  };
}

interface Sum {
  records: number;
  bytes: number;
  tombstones: number;
  oldestMs: number;
  newestMs: number;
  newRecords: number;
  newBytes: number;
}

/** Sums up the records of one agent, by collection. */
export class StatisticsTally {
  readonly #newAfterMs: number;
  readonly #sums = new Map<string, Sum>();

  constructor(nowMs: number) {
    this.#newAfterMs = nowMs - GROWTH_DAYS * DAY_MS;
  }

  /** Takes a record in. */
  add({ collection, created_at, updated_at, deleted, bytes }: TalliedRecord): void {
    const sum = this.#sums.get(collection) ?? emptySum();
    this.#sums.set(collection, sum);
    if (deleted === 1) {
      sum.tombstones += 1;
      return;
    }
    const documentBytes = bytes ?? 0;
    sum.records += 1;
    sum.bytes += documentBytes;
    sum.oldestMs = Math.min(sum.oldestMs, updated_at);
    sum.newestMs = Math.max(sum.newestMs, updated_at);
    if (created_at <= this.#newAfterMs) return;
    sum.newRecords += 1;
    sum.newBytes += documentBytes;
  }

  /** What it came to, by name. */
  get figures(): CollectionFigures[] {
    return [...this.#sums]
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, sum]) => figuresOf(name, sum));
  }
}

function emptySum(): Sum {
  return {
    records: 0,
    bytes: 0,
    tombstones: 0,
    oldestMs: Infinity,
    newestMs: -Infinity,
    newRecords: 0,
    newBytes: 0,
  };
}

function figuresOf(name: string, sum: Sum): CollectionFigures {
  const { records, bytes, tombstones } = sum;
  return {
    name,
    records,
    bytes,
    tombstones,
    oldestMs: records === 0 ? null : sum.oldestMs,
    newestMs: records === 0 ? null : sum.newestMs,
    recordsPerDay: sum.newRecords / GROWTH_DAYS,
    bytesPerDay: sum.newBytes / GROWTH_DAYS,
  };
}
