import { type Change, DIGEST_BUCKETS } from '@holdfast/protocol';
import {
  addSettlements,
  bucketOf,
  digestOf,
  digestText,
  EMPTY_DIGEST,
  type Lineage,
  NO_SETTLEMENT,
  type Settlement,
} from '@holdfast/store';

import { forEachPage, forEachRetiredPage, type Held, HeldBucket, type Missing, missingAtRelay } from './missing.ts';
import { differencesOf } from './notices.ts';
import { ABORTED, lineageOf, NO_END, type StreamWork } from './pull.ts';
import type { NotDone, Outcome } from './transport.ts';

/** With more buckets than these, all of what the relay holds is copied at once: it walks over all of it for each bucket. */
const MOST_BUCKETS = 8;

/** Records sent again in one transaction. */
const RESENT_AT_ONCE = 1000;

/** A repair, and what it did so far. */
interface RepairWork extends StreamWork {
  readonly settled: (settlement: Settlement) => void;
}

/**
 * Finds the records that are not the same here and at the relay, bucket by bucket, settles each by content, and tells of it
 * (protocol rule 12). Gives how many they were. No batch of the stream may be under way. Who writes meanwhile is not kept
 * waiting.
 */
export async function repair(work: StreamWork): Promise<Outcome<number>> {
  let settlement = NO_SETTLEMENT;
  try {
    const broken = await settleAll({ ...work, settled: (more) => (settlement = addSettlements(settlement, more)) });
    return broken ?? { kind: 'done', value: differencesOf(settlement) };
  } finally {
    // One that is broken off has done something too.
    if (differencesOf(settlement) + settlement.unknown > 0) work.tell({ kind: 'repaired', settlement });
  }
}

/** Returns why it could not. */
async function settleAll(work: RepairWork): Promise<NotDone | undefined> {
  const { agent, transport, signal } = work;
  const theirs = await transport.digest(agent, signal);
  if (theirs.kind !== 'done') return theirs;
  const moment = momentOf(work);
  const ours = await bucketDigests(work);
  const differing = [...ours.keys()].filter((bucket) => ours[bucket] !== theirs.value.buckets[bucket]);
  const held: Held = new Map();
  const copying = { work, held, digests: theirs.value.buckets, lineage: lineageOf(work, theirs.value) };
  const broken = await settleBuckets(copying, differing);
  if (broken !== undefined) return broken;
  if (signal.aborted) return ABORTED;
  if (differing.length === 0) return undefined;
  for (const [bucket, missing] of await missingAtRelay(work, differing, held)) {
    await settleMissing(copying, { bucket, missing, isStill: () => momentOf(work) === moment });
  }
  return undefined;
}

/** Changes with everything that is written or removed here. */
function momentOf({ store }: RepairWork): string {
  const { counters, retention } = store();
  return `${counters.lastSeq}/${retention.removals}`;
}

interface Copying {
  readonly work: RepairWork;
  readonly held: Held;
  /** The relay's, by bucket. */
  readonly digests: readonly string[];
  readonly lineage: Lineage;
}

/** Returns why it could not. */
async function settleBuckets(copying: Copying, differing: readonly number[]): Promise<NotDone | undefined> {
  const { held, digests } = copying;
  let buckets = differing;
  if (differing.length > MOST_BUCKETS) {
    const broken = await settleCopy(copying, undefined);
    if (broken !== undefined) return broken;
    // It has records too that the relay does not count: where such are, only the bucket itself tells which are held.
    const missing = await missingAtRelay(copying.work, differing, held);
    buckets = differing.filter((bucket) => {
      const isAll = digestText(held.get(bucket)?.digest ?? 0n) === digests[bucket];
      return !isAll && unaccounted(copying, bucket, missing.get(bucket)) !== 0n;
    });
  }
  for (const bucket of buckets) {
    held.delete(bucket);
    const broken = await settleCopy(copying, bucket);
    if (broken !== undefined) return broken;
  }
  return undefined;
}

async function bucketDigests(work: RepairWork): Promise<string[]> {
  const digests = Array<bigint>(DIGEST_BUCKETS).fill(0n);
  const take = (page: readonly { readonly bucket: number; readonly share: bigint }[]): void => {
    for (const { bucket, share } of page) digests[bucket] = (digests[bucket] ?? 0n) ^ share;
  };
  await forEachPage(work, take);
  await forEachRetiredPage(work, take);
  return digests.map(digestText);
}

/** Settles what the relay holds in a bucket, and notes it in `held`. Returns why it could not. */
async function settleCopy({ work, held, lineage }: Copying, bucket: number | undefined): Promise<NotDone | undefined> {
  const { agent, store, transport, signal, settled } = work;
  for (let after: string | undefined; ;) {
    const page = await transport.copyPage({ agent, bucket, after }, signal);
    if (page.kind !== 'done') return page;
    const { changes, next } = page.value;
    for (const change of changes) noteHeld(held, change);
    settled(await store().settle(changes, bucket !== undefined, lineage));
    if (signal.aborted) return ABORTED;
    if (next === null) return undefined;
    if (next === after) return NO_END;
    after = next;
  }
}

function noteHeld(held: Held, change: Change): void {
  const bucket = bucketOf(change);
  const known = held.get(bucket) ?? new HeldBucket();
  known.note(change);
  held.set(bucket, known);
}

/**
 * What the relay counts in a bucket beyond what it gave, and beyond what is missing there. 0: all that is missing was removed there
 * by its own policy, and still counts.
 */
function unaccounted({ held, digests }: Copying, bucket: number, missing: Missing | undefined): bigint {
  const removed = digestOf(digests[bucket] ?? EMPTY_DIGEST) ^ (held.get(bucket)?.digest ?? 0n);
  return removed ^ (missing?.digest ?? 0n);
}

interface MissingBucket {
  readonly bucket: number;
  readonly missing: Missing;
  /** Whether all stands as it did when the digests were asked for. */
  readonly isStill: () => boolean;
}

async function settleMissing(copying: Copying, { bucket, missing, isStill }: MissingBucket): Promise<void> {
  const { work, held, digests } = copying;
  const share = unaccounted(copying, bucket, missing);
  const isLost = share !== 0n;
  await resend(work, isLost ? [...missing.counted, ...missing.expiring] : missing.expiring);
  // Only where there is nothing to send: what is sent may be what is missing, and the next comparison tells.
  if (!isLost || missing.counted.length > 0 || !isStill()) return;
  const hasRemoved = digestText(held.get(bucket)?.digest ?? 0n) !== digests[bucket];
  const lost = hasRemoved ? missing.retired.filter((each) => each.share === share) : missing.retired;
  work.settled(await work.store().accept({ bucket, share, lost }));
}

async function resend(work: RepairWork, seqs: readonly number[]): Promise<void> {
  for (let from = 0; from < seqs.length && !work.signal.aborted; from += RESENT_AT_ONCE) {
    const resent = await work.store().resend(seqs.slice(from, from + RESENT_AT_ONCE));
    work.settled({ ...NO_SETTLEMENT, resent });
  }
}
