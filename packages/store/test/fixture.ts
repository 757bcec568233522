import { randomBytes } from 'node:crypto';

import {
  type CommitConfig,
  HybridClock,
  isHoldfastError,
  type Json,
  parseDocument,
  type StartEntry,
} from '@holdfast/protocol';
import { type Database, openDatabase, type StorageGuard } from '@holdfast/sqlite';
import {
  AgentStore,
  digestOf,
  digestShare,
  Lineage,
  type Precondition,
  type StoreOperation,
  type WriteResult,
} from '@holdfast/store';
import { FakeClock } from '@holdfast/testkit';
import { expect } from 'vitest';

/** Group commit as it is configured by default, but patient: a slow machine must not split a transaction. */
export const commitConfig: CommitConfig = {
  'commit.operations': 512,
  'commit.bytes': 4_194_304,
  'commit.milliseconds': 1000,
  'commit.queue': 10_000,
  'commit.queueBytes': 67_108_864,
};

/** An agent's file under a clock the test moves. */
export class TestAgent implements Disposable {
  readonly path: string;
  readonly clock: FakeClock;
  store: AgentStore;
  /** Commits that gave out seqs, since the file was made. */
  commits = 0;
  readonly #starts: StartEntry[];
  readonly #guard: StorageGuard | undefined;

  /** `before`: the starts that this one goes on from, the oldest first. */
  constructor(
    path: string,
    clock: FakeClock = new FakeClock(),
    before: readonly StartEntry[] = [],
    guard?: StorageGuard,
  ) {
    this.path = path;
    this.#guard = guard;
    this.clock = clock;
    this.#starts = [...before];
    this.store = this.#open();
  }

  /** What the relay would know of the starts. */
  get starts(): readonly StartEntry[] {
    return this.#starts;
  }

  /** The starts, seen from the one that runs. */
  get lineage(): Lineage {
    return new Lineage(this.#starts.at(-1)!.start, this.#starts);
  }

  /** Closes the file and opens it as a new process would: with a clock that knows nothing. */
  reopen(whileClosed: () => void = () => undefined): void {
    this.store.close();
    whileClosed();
    this.store = this.#open();
  }

  /** Writes one operation and gives its result. */
  async write(operation: StoreOperation, resource = ''): Promise<WriteResult> {
    const [result] = await this.store.write({ resource, operations: [operation] });
    return result!;
  }

  /** When a record of no resource expires, in milliseconds; undefined: never, or not there. */
  expiryOf(collection: string, id: string): number | undefined {
    const [found] = this.store.list({ resource: '', collection }, { prefix: id, after: '', limit: 1 }).rows;
    return found?.expiresAtMs ?? undefined;
  }

  /** What a read gives, as a value; undefined when there is nothing. */
  read(collection: string, id: string, resource = ''): unknown {
    const stored = this.store.read(resource, collection, id);
    return stored && JSON.parse(stored.text);
  }

  /** The counters must always equal what counting the records again gives. */
  expectTrueCounters(): void {
    const database = openDatabase(this.path);
    const { acked, outbox, digest, lastSeq, lastVersion } = this.store.counters;
    const recount = {
      digest: recomputedDigest(database),
      stored: database.prepare('SELECT digest FROM stream').pluck().get(),
      outbox: database.prepare('SELECT count(*) FROM records WHERE seq > ?').pluck().get(acked.seq),
      collections: database
        .prepare('SELECT collection AS name, count(*) AS records FROM records WHERE NOT deleted GROUP BY 1 ORDER BY 1')
        .all(),
    };
    const greatest = database.prepare('SELECT max(seq) AS seq, max(version) AS version FROM records').get() as {
      seq: number | null;
      version: string | null;
    };
    database.close();
    const stored = digest.toString(16).padStart(16, '0');
    expect({
      digest,
      stored,
      outbox,
      collections: this.store.collections().filter(({ records }) => records !== 0),
    }).toEqual(recount);
    expect(lastSeq).toBeGreaterThanOrEqual(greatest.seq ?? 0);
    expect(lastVersion >= (greatest.version ?? '')).toBe(true);
  }

  [Symbol.dispose](): void {
    this.store.close();
  }

  #open(): AgentStore {
    const { path } = this;
    const { now } = this.clock;
    const onCommit = (): void => {
      this.commits += 1;
    };
    const start = randomBytes(4).toString('hex');
    this.#starts.push({ start, parent: this.#starts.at(-1)?.start ?? null });
    return new AgentStore({
      path,
      clock: new HybridClock(now, start),
      now,
      commit: commitConfig,
      onCommit,
      guard: this.#guard,
    });
  }
}

/** XOR over what every record adds: its own content, or of a rejected one what the relay holds in its place; and what removed ones add. */
function recomputedDigest(database: Database): bigint {
  const rows = database.prepare('SELECT hash, expires_at, rejected, relay_hash FROM records').all() as {
    hash: string;
    expires_at: number | null;
    rejected: number;
    relay_hash: string | null;
  }[];
  let digest = digestOf('0');
  for (const { hash, expires_at, rejected, relay_hash } of rows) {
    if (rejected === 0) digest ^= digestShare({ hash, expiresAtMs: expires_at });
    else if (relay_hash !== null) digest ^= digestShare({ hash: relay_hash, expiresAtMs: null });
  }
  for (const share of database.prepare('SELECT share FROM retired').pluck().all() as string[])
    digest ^= digestOf(share);
  return digest;
}

/** A put of a value that lives for ever, unless `expiresAtMs` says otherwise. */
export function put(
  collection: string,
  id: string,
  value: Json,
  more: { precondition?: Precondition; expiresAtMs?: number } = {},
): StoreOperation {
  return { op: 'put', collection, id, document: parseDocument(JSON.stringify(value)), expiresAtMs: null, ...more };
}

/** A merge patch. */
export function patch(
  collection: string,
  id: string,
  value: Json,
  more: { precondition?: Precondition; expiresAtMs?: number } = {},
): StoreOperation {
  return { op: 'patch', collection, id, patch: parseDocument(JSON.stringify(value)), ...more };
}

/** A deletion. */
export function remove(collection: string, id: string, precondition?: Precondition): StoreOperation {
  return { op: 'delete', collection, id, ...(precondition && { precondition }) };
}

/** The code of the HoldfastError a promise is rejected with; what it gave if it was not. */
export async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    return await promise;
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    return error.code;
  }
}
