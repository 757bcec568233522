import { setImmediate as nextTurn } from 'node:timers/promises';

import { type Change, DIGEST_BUCKETS } from '@holdfast/protocol';
import {
  addSettlements,
  bucketOf,
  type ComparedRecord,
  digestShare,
  digestText,
  type Lineage,
  NO_SETTLEMENT,
  type Settlement,
} from '@holdfast/store';

import { differencesOf } from './notices.ts';
import { ABORTED, lineageOf, NO_END, type StreamWork } from './pull.ts';
import type { NotDone, Outcome } from './transport.ts';

/** With more buckets than these, all of what the relay holds is copied at once: it walks over all of it for each bucket. */
const MOST_BUCKETS = 8;

/** Hexadecimal digits of a content hash that tell records apart here: as many bits as a number holds exactly. */
const SHORT_DIGITS = 13;

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
    if (differencesOf(settlement) > 0) work.tell({ kind: 'repaired', settlement });
  }
}

/** What the relay gave of a bucket. */
interface HeldBucket {
  /** The beginnings of the content hashes, see `shortOf`. */
  readonly hashes: Set<number>;
  digest: bigint;
}

/** By bucket. */
type Held = Map<number, HeldBucket>;

/** Returns why it could not. */
async function settleAll(work: RepairWork): Promise<NotDone | undefined> {
  const { agent, transport, signal } = work;
  const theirs = await transport.digest(agent, signal);
  if (theirs.kind !== 'done') return theirs;
  const ours = await bucketDigests(work);
  const differing = [...ours.keys()].filter((bucket) => ours[bucket] !== theirs.value.buckets[bucket]);
  const held: Held = new Map();
  const copying = { work, held, digests: theirs.value.buckets, lineage: lineageOf(work, theirs.value) };
  const broken = await settleBuckets(copying, differing);
  if (broken !== undefined) return broken;
  if (signal.aborted) return ABORTED;
  if (differing.length > 0) await resendMissing(work, new Set(differing), held);
  return undefined;
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
    buckets = differing.filter((bucket) => digestText(held.get(bucket)?.digest ?? 0n) !== digests[bucket]);
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
  await forEachPage(work, async (page) => {
    for (const { bucket, share } of page) digests[bucket] = (digests[bucket] ?? 0n) ^ share;
  });
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
  const known = held.get(bucket) ?? { hashes: new Set(), digest: 0n };
  known.hashes.add(shortOf(change.hash));
  known.digest ^= digestShare(change);
  held.set(bucket, known);
}

// Whatever is to be at the relay and did not come with the copy: the relay has an older version of it, or none.
async function resendMissing(work: RepairWork, differing: ReadonlySet<number>, held: Held): Promise<void> {
  await forEachPage(work, async (page) => {
    const missing = page.filter(
      ({ bucket, hash, isHeld }) =>
        isHeld && differing.has(bucket) && held.get(bucket)?.hashes.has(shortOf(hash)) !== true,
    );
    if (missing.length === 0) return;
    const resent = await work.store().resend(missing.map(({ seq }) => seq));
    work.settled({ ...NO_SETTLEMENT, resent });
  });
}

/** Goes through the records as they are, with a pause after each page. What is written meanwhile is not chased. */
async function forEachPage(
  { store, signal }: RepairWork,
  visit: (page: readonly ComparedRecord[]) => Promise<void>,
): Promise<void> {
  const { lastSeq } = store().counters;
  for (let afterSeq = 0; afterSeq < lastSeq && !signal.aborted;) {
    const page = store().compared(afterSeq);
    await visit(page);
    afterSeq = page.at(-1)?.seq ?? lastSeq;
    await nextTurn();
  }
}

function shortOf(hash: string): number {
  return Number.parseInt(hash.slice(0, SHORT_DIGITS), 16);
}
