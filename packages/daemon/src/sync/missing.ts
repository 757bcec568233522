import { setImmediate as nextTurn } from 'node:timers/promises';

import { type ComparedRecord, type ComparedRetired, digestShare, digestText, isOfRecord } from '@holdfast/store';
import type { Change } from '@holdfast/protocol';

import type { StreamWork } from './pull.ts';

/** Hexadecimal digits of a content hash that tell records apart here: as many bits as a number holds exactly. */
const SHORT_DIGITS = 13;

/** No key of a record that was removed sorts before it. */
const FIRST_KEY = Buffer.alloc(0);

/** What the relay gave of a bucket. */
export class HeldBucket {
  readonly #hashes = new Set<number>();
  #digest = 0n;

  /** What the records it gave come to. */
  get digest(): bigint {
    return this.#digest;
  }

  /** Notes a record it gave. */
  note(change: Change): void {
    this.#hashes.add(shortOf(change.hash));
    this.#digest ^= digestShare(change);
  }

  /** Whether it gave a record of this content hash, or of one that begins so. */
  has(hash: string): boolean {
    return this.#hashes.has(shortOf(hash));
  }
}

/** By bucket. */
export type Held = Map<number, HeldBucket>;

/** What is to be at the relay, of one bucket, and did not come with the copy. */
export interface Missing {
  /** What all of these come to. */
  digest: bigint;
  /** Records that count in the digest, by their seqs. */
  readonly counted: number[];
  /** Records that expire, and count in none. */
  readonly expiring: number[];
  /** Records that retention removed here. */
  readonly retired: ComparedRetired[];
}

/** What is missing at the relay in some buckets: the relay lost it, has an older version of it, or removed it by its own policy. */
export async function missingAtRelay(
  work: StreamWork,
  buckets: Iterable<number>,
  held: Held,
): Promise<Map<number, Missing>> {
  const missing = new Map<number, Missing>();
  for (const bucket of buckets) missing.set(bucket, { digest: 0n, counted: [], expiring: [], retired: [] });
  await forEachPage(work, (page) => {
    for (const record of page) noteMissing(missing.get(record.bucket), record, held);
  });
  await forEachRetiredPage(work, (page) => {
    for (const retired of page) noteRetired(missing.get(retired.bucket), retired, held);
  });
  return missing;
}

function noteMissing(missing: Missing | undefined, record: ComparedRecord, held: Held): void {
  const { seq, bucket, share, hash, isHeld, isRejected } = record;
  if (missing === undefined || !(isHeld || isRejected)) return;
  // Of a rejected one it is to have the older version that its share is of.
  if (held.get(bucket)?.has(isRejected ? digestText(share) : hash) === true) return;
  missing.digest ^= share;
  if (isHeld) (share === 0n ? missing.expiring : missing.counted).push(seq);
}

function noteRetired(missing: Missing | undefined, retired: ComparedRetired, held: Held): void {
  const { key, bucket, share } = retired;
  if (missing === undefined || share === 0n) return;
  // What is known by its bucket alone is what nobody holds.
  if (isOfRecord(key) && held.get(bucket)?.has(digestText(share)) === true) return;
  missing.digest ^= share;
  missing.retired.push(retired);
}

/** Goes through the records as they are, with a pause after each page. What is written meanwhile is not chased. */
export async function forEachPage(
  { store, signal }: StreamWork,
  visit: (page: readonly ComparedRecord[]) => void,
): Promise<void> {
  const { lastSeq } = store().counters;
  for (let afterSeq = 0; afterSeq < lastSeq && !signal.aborted;) {
    const page = store().compared(afterSeq);
    visit(page);
    afterSeq = page.at(-1)?.seq ?? lastSeq;
    await nextTurn();
  }
}

/** Goes through what is remembered of records that retention removed, with a pause after each page. */
export async function forEachRetiredPage(
  { store, signal }: StreamWork,
  visit: (page: readonly ComparedRetired[]) => void,
): Promise<void> {
  for (let afterKey: Buffer | undefined = FIRST_KEY; afterKey !== undefined && !signal.aborted;) {
    const page: ComparedRetired[] = store().comparedRetired(afterKey);
    visit(page);
    afterKey = page.at(-1)?.key;
    if (afterKey !== undefined) await nextTurn();
  }
}

function shortOf(hash: string): number {
  return Number.parseInt(hash.slice(0, SHORT_DIGITS), 16);
}
