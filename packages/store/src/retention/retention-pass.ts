import type { RetentionOwner, RetentionPolicy } from '@holdfast/protocol';

const DAY_MS = 86_400_000;

/** Tombstones are kept so many days at least, whatever is declared: who was away meanwhile learns of the deletion. */
const TOMBSTONE_DAYS = 30;

/** What decides whether a record goes. */
export interface WeighedRecord {
  readonly collection: string;
  readonly updated_at: number;
  readonly deleted: number;
  /** Of its document. */
  readonly bytes: number | null;
}

/** What a pass did to one collection, or would do. */
export interface PassFigures {
  readonly name: string;
  readonly records: number;
  /** Of the documents of these. */
  readonly bytes: number;
  /** Over age or number, but kept. */
  readonly keptBack: number;
}

/** Figures as answers have them. */
export function retainedAnswer({ name, records, bytes, keptBack }: PassFigures): RetentionOwner['collections'][number] {
  return { name, records, bytes, kept_back: keptBack };
}

interface Weighing {
  readonly policy: RetentionPolicy;
  /** Live records beyond those that are kept. */
  excess: number;
  records: number;
  bytes: number;
  keptBack: number;
}

/**
 * One pass over the records of one agent, those first that were changed the longest time ago: decides which go, and counts
 * them (protocol rule 17).
 */
export class RetentionPass {
  readonly #nowMs: number;
  readonly #weighings: ReadonlyMap<string, Weighing>;

  /** `live`: how many live records each collection has. */
  constructor(policies: ReadonlyMap<string, RetentionPolicy>, live: ReadonlyMap<string, number>, nowMs: number) {
    this.#nowMs = nowMs;
    const begun = [...policies].map(([name, policy]) => {
      const excess = policy.records === undefined ? 0 : (live.get(name) ?? 0) - policy.records;
      return [name, { policy, excess, records: 0, bytes: 0, keptBack: 0 }] as const;
    });
    this.#weighings = new Map(begun);
  }

  /** Whether a record is over age or number. Asked once for each, in order. */
  isOver({ collection, updated_at, deleted }: WeighedRecord): boolean {
    const weighing = this.#weighings.get(collection);
    if (weighing === undefined) return false;
    const { days } = weighing.policy;
    const keptDays = deleted === 1 && days !== undefined ? Math.max(days, TOMBSTONE_DAYS) : days;
    const isOld = keptDays !== undefined && updated_at <= this.#nowMs - keptDays * DAY_MS;
    if (deleted === 1) return isOld;
    const isBeyond = weighing.excess > 0;
    if (isOld || isBeyond) weighing.excess -= 1;
    return isOld || isBeyond;
  }

  /** Notes what became of a record that is over. */
  note({ collection, bytes }: WeighedRecord, isRemoved: boolean): void {
    const weighing = this.#weighings.get(collection);
    if (weighing === undefined) return;
    if (!isRemoved) {
      weighing.keptBack += 1;
      return;
    }
    weighing.records += 1;
    weighing.bytes += bytes ?? 0;
  }

  /** What it came to so far, by collection. */
  get figures(): PassFigures[] {
    return [...this.#weighings].map(([name, { records, bytes, keptBack }]) => ({ name, records, bytes, keptBack }));
  }
}
