import { documentOf, type Json, type Now, type Query } from '@holdfast/protocol';
import type { Database } from '@holdfast/sqlite';

import type { Declarations } from './declared/declarations.ts';
import type { Idempotency, Precondition, StoreOperation, WriteResult } from './operation.ts';
import { agentScope } from './query/agent-scope.ts';
import { runQuery } from './query/run.ts';
import type { QueryResult } from './query/runnable.ts';
import { type IndexWalk, type WalkedRecord, walkIndex } from './query/walk.ts';
import { isLive, type RecordWriter } from './record-writer.ts';
import type { RetiredRecords } from './retention/retired-records.ts';
import type { StoredDocument } from './stored-document.ts';

/** What somebody wants to be done with an agent's records of one resource, reading and writing as one step. */
export interface Transact<Result> {
  readonly resource: string;
  /** Runs inside the transaction, once. Throwing undoes what it wrote. Must not keep what it is given. */
  readonly run: (records: RecordsTransaction) => Result;
  /** The same request again has the same result and no further effect; the result must be something JSON can hold. */
  readonly idempotency?: Idempotency | undefined;
}

/** What a transaction works on. */
export interface TransactionOptions {
  readonly database: Database;
  readonly writer: RecordWriter;
  readonly declarations: Declarations;
  readonly retired: Pick<RetiredRecords, 'find'>;
  readonly now: Now;
}

/** The records of one resource inside a transaction: what is read is what stands there until it ends. */
export class RecordsTransaction {
  readonly #options: TransactionOptions;
  readonly #resource: string;

  constructor(options: TransactionOptions, resource: string) {
    this.#options = options;
    this.#resource = resource;
  }

  /** Reads one record; undefined when it is not there, deleted or expired. */
  read(collection: string, id: string): StoredDocument | undefined {
    const { writer, now } = this.#options;
    const stored = writer.find(this.#resource, collection, id);
    if (stored === undefined || stored.doc === null || !isLive(stored, now())) return undefined;
    return { version: stored.version, text: stored.doc };
  }

  /** Whether there is or ever was such a record, as far as the file remembers: deleted, expired and not yet swept, removed by retention. */
  wasEver(collection: string, id: string): boolean {
    const { writer, retired } = this.#options;
    const key = { resource: this.#resource, collection, id };
    return writer.find(this.#resource, collection, id) !== undefined || retired.find(key) !== undefined;
  }

  /** Queries a collection. Throws `invalid-request`. */
  query(collection: string, query: Query): QueryResult {
    const { database, declarations, now } = this.#options;
    // What was written in this transaction is found by its members and words as well.
    declarations.upkeep.catchUpSoFar();
    return runQuery(database, query, agentScope({ resource: this.#resource, collection }, declarations, now()));
  }

  /** Goes a walk along an index of a collection, see `walkIndex`. */
  walk(walk: IndexWalk, asked: Parameters<typeof walkIndex>[3]): WalkedRecord[] {
    const { database, now } = this.#options;
    return walkIndex(database, { resource: this.#resource, nowMs: now() }, walk, asked);
  }

  /** Writes a document that was made here. Throws what `write` throws, and `unsafe-document` and `record-too-large`. */
  put(collection: string, id: string, value: Json, precondition?: Precondition): WriteResult {
    const document = documentOf(value, JSON.stringify(value));
    return this.write({
      op: 'put',
      collection,
      id,
      document,
      expiresAtMs: null,
      ...(precondition && { precondition }),
    });
  }

  /** Applies one operation. Throws what `RecordWriter.apply` throws. */
  write(operation: StoreOperation): WriteResult {
    return this.#options.writer.apply(this.#resource, operation);
  }
}
