import { setImmediate as nextTurn } from 'node:timers/promises';

import { DIGEST_BUCKETS, HoldfastError, limits } from '@holdfast/protocol';
import type { Database, Statement } from '@holdfast/sqlite';
import { bucketOf, digestText, type RecordRow } from '@holdfast/store';

import type { AgentPart, BucketDigests, CopyPart } from '../relay-store.ts';
import { type CountedColumns, counts, RECORD_ROW, type RecordRowColumns, rowOf, shareOf } from './record-row.ts';
import type { RetiredTable } from './retired-table.ts';

/** Records looked at in one turn of the event loop: some milliseconds. */
const STEP_RECORDS = 1000;

/** The place of a record among all of its agent's: by stream, there by seq. No two records have the same. */
interface Place {
  readonly streamId: number;
  readonly seq: number;
  readonly position: number;
}

/** What decides whether a record is taken, without its document. */
interface Key extends Omit<Place, 'streamId'>, CountedColumns {
  readonly resource: string;
  readonly collection: string;
  readonly id: string;
}

const START: Place = { streamId: 0, seq: 0, position: 0 };

/**
 * Reads all records of an agent, over all its streams, in steps between which others are served: one step in a turn of the
 * event loop, however many read at once. A record that changes meanwhile gets a later place, and is met again there.
 */
export class AgentCopy {
  readonly #agent: Statement;
  readonly #stream: Statement;
  readonly #keys: Statement;
  readonly #row: Statement;
  readonly #retired: RetiredTable;
  #lastTurn: Promise<unknown> = Promise.resolve();

  constructor(database: Database, retired: RetiredTable) {
    this.#retired = retired;
    this.#agent = database.prepare('SELECT id FROM agents WHERE node = ? AND agent = ?').pluck();
    this.#stream = database
      .prepare('SELECT id FROM streams WHERE agent_id = ? AND id >= ? ORDER BY id LIMIT 1')
      .pluck();
    this.#keys = database.prepare(
      `SELECT seq, position, resource, collection, id, hash, expires_at AS expiresAtMs, outdated, damaged
       FROM records
       WHERE stream_id = ? AND (seq, position) > (?, ?) ORDER BY seq, position LIMIT ${STEP_RECORDS}`,
    );
    this.#row = database.prepare(`SELECT ${RECORD_ROW} FROM records WHERE position = ?`);
  }

  /** See `RelayStore.buckets`. */
  async buckets(node: string, agent: string): Promise<BucketDigests> {
    const agentId = this.#agentId(node, agent);
    if (agentId === null) return digestsOf(new BigUint64Array(DIGEST_BUCKETS));
    for (;;) {
      const additions = this.#retired.additions(agentId);
      const buckets = await this.#sumBuckets(node, agent);
      // Of a record that retention removed meanwhile it is not known on which side of its removal it was met.
      if (additions !== this.#retired.additions(agentId)) continue;
      for (const { bucket, share } of this.#retired.ofAgent(agentId)) buckets[bucket] = (buckets[bucket] ?? 0n) ^ share;
      return digestsOf(buckets);
    }
  }

  async #sumBuckets(node: string, agent: string): Promise<BigUint64Array> {
    const buckets = new BigUint64Array(DIGEST_BUCKETS);
    for await (const { keys } of this.#steps(node, agent, START)) {
      for (const key of keys) {
        const bucket = bucketOf(key);
        buckets[bucket] = (buckets[bucket] ?? 0n) ^ shareOf(key);
      }
    }
    return buckets;
  }

  /** See `RelayStore.copyPage`. */
  async page(node: string, agent: string, { after, bucket }: AgentPart): Promise<CopyPart> {
    const rows: RecordRow[] = [];
    let bytes = 0;
    for await (const { streamId, keys } of this.#steps(node, agent, placeOf(after))) {
      for (const key of keys) {
        const row = isAsked(key, bucket) ? this.#find(key) : undefined;
        if (row === undefined) continue;
        rows.push(row);
        bytes += row.doc?.length ?? 0;
        if (rows.length === limits.syncBatchChanges || bytes > limits.syncBatchBytes) {
          return { rows, next: `${streamId}.${key.seq}.${key.position}` };
        }
      }
    }
    return { rows, next: null };
  }

  /** For an unknown agent null, which has no streams. */
  #agentId(node: string, agent: string): number | null {
    return (this.#agent.get(node, agent) as number | undefined) ?? null;
  }

  /** Undefined if it changed since its key was read. */
  #find({ position }: Key): RecordRow | undefined {
    const columns = this.#row.get(position) as RecordRowColumns | undefined;
    return columns && rowOf(columns);
  }

  async *#steps(node: string, agent: string, from: Place): AsyncGenerator<{ streamId: number; keys: readonly Key[] }> {
    const agentId = this.#agentId(node, agent);
    let place = from;
    for (;;) {
      await this.#turn();
      const streamId = this.#stream.get(agentId, place.streamId) as number | undefined;
      if (streamId === undefined) return;
      if (streamId !== place.streamId) place = { ...START, streamId };
      const keys = this.#keys.all(streamId, place.seq, place.position) as Key[];
      const last = keys.at(-1);
      if (last !== undefined) yield { streamId, keys };
      place = last === undefined ? { ...START, streamId: streamId + 1 } : { streamId, ...last };
    }
  }

  #turn(): Promise<unknown> {
    return (this.#lastTurn = this.#lastTurn.then(() => nextTurn()));
  }
}

function digestsOf(buckets: BigUint64Array): BucketDigests {
  const digest = buckets.reduce((sum, share) => sum ^ share, 0n);
  return { digest: digestText(digest), buckets: Array.from(buckets, digestText) };
}

/** Comparing by buckets is about what counts in the digest; a whole copy has everything. */
function isAsked(key: Key, bucket: number | undefined): boolean {
  return bucket === undefined || (counts(key) && bucketOf(key) === bucket);
}

function placeOf(after: string | undefined): Place {
  if (after === undefined) return START;
  const [, streamId, seq, position] = /^(\d{1,15})\.(\d{1,15})\.(\d{1,15})$/.exec(after) ?? [];
  if (position === undefined) throw new HoldfastError('invalid-request', 'after is not what a page before gave');
  return { streamId: Number(streamId), seq: Number(seq), position: Number(position) };
}
