import { createHash } from 'node:crypto';

import {
  DECLARATIONS,
  documentOf,
  type FenceProof,
  HoldfastError,
  type Json,
  makeRecordId,
  type Operation,
  type Query,
  SHARED_AGENT,
} from '@holdfast/protocol';
import type { DiskWatch } from '@holdfast/sqlite';
import {
  type AgentFiles,
  type AgentStore,
  type Idempotency,
  type ListedDocument,
  type MemberGroups,
  type Outcome,
  type Page,
  type Precondition,
  type QueryResult,
  type RecordsTransaction,
  type RecordStream,
  type SharedText,
  type StoredDocument,
  type StoreOperation,
  type StreamBounds,
  streamPages,
  type Write,
  type WriteResult,
} from '@holdfast/store';

import type { Ack } from '../sync/ack.ts';
import type { SyncEngine } from '../sync/sync-engine.ts';
import type { SharedSpace } from './shared/shared-space.ts';

/** Whose records a request is about. */
export interface Scope {
  readonly agent: string;
  readonly resource: string;
}

/** What to wait for before a write is answered, and how long. */
export interface AckWish {
  readonly ack: Ack;
  readonly timeoutMs: number;
}

/** Operations written together, and how far they have come. */
export interface Written {
  readonly results: readonly WriteResult[];
  readonly ack: Ack;
}

/** One page of records. */
export type RecordPage = Extract<QueryResult, { readonly next: string | null }>;

/** What records are read from and written with. */
export interface RecordsOptions {
  readonly files: AgentFiles;
  readonly shared: Pick<SharedSpace, 'holds' | 'made'>;
  readonly sync: SyncEngine;
  readonly disk: Pick<DiskWatch, 'assertRoom'>;
  /** How much one stream holds at most. */
  readonly bounds: StreamBounds;
}

/** Records of the node's agents: reads at once, writes after their commit and, if wished, the relay's. */
export class Records {
  readonly #files: AgentFiles;
  readonly #shared: RecordsOptions['shared'];
  readonly #sync: SyncEngine;
  readonly #disk: Pick<DiskWatch, 'assertRoom'>;
  readonly #bounds: StreamBounds;

  constructor({ files, shared, sync, disk, bounds }: RecordsOptions) {
    this.#disk = disk;
    this.#shared = shared;
    this.#files = files;
    this.#sync = sync;
    this.#bounds = bounds;
  }

  /** Writes operations together or not at all. Throws what `DiskWatch.assertRoom` and `AgentStore.write` throw. */
  async write(scope: Scope, write: Omit<Write, 'resource'>, wish: AckWish): Promise<Written> {
    this.#disk.assertRoom();
    const agent = this.#writerOf(scope, write.operations);
    const results = await this.#file(agent).write({ ...write, resource: scope.resource });
    return { results, ack: await this.acknowledged({ ...scope, agent }, results, wish) };
  }

  /**
   * Reads and writes as one step; resolves after its commit. Throws what `run`, `DiskWatch.assertRoom` and `AgentStore.transact`
   * throw.
   */
  async transact<Result>(
    scope: Scope,
    run: (records: RecordsTransaction) => Result,
    idempotency?: Idempotency,
  ): Promise<Result> {
    this.#disk.assertRoom();
    return this.#files.get(scope.agent).transact({ resource: scope.resource, run, idempotency });
  }

  /** Waits, as wished, until the relay holds what was written; tells how far it has come. */
  async acknowledged({ agent }: Scope, results: readonly WriteResult[], wish: AckWish): Promise<Ack> {
    const [first] = results;
    const last = results.at(-1);
    if (wish.ack === 'local' || first === undefined || last === undefined) return 'local';
    const range = { first: first.seq, last: last.seq, version: last.version };
    return this.#sync.waitForRelay(agent, range, wish.timeoutMs);
  }

  /**
   * Writes operations each for itself, in one transaction; an outcome for each, in order. Throws what
   * `DiskWatch.assertRoom` throws.
   */
  writeEach(
    scope: Scope,
    operations: readonly StoreOperation[],
    fences: readonly FenceProof[] = [],
  ): Promise<Outcome<readonly WriteResult[]>[]> {
    this.#disk.assertRoom();
    const { resource } = scope;
    const agents = operations.map((operation) => this.#writerOf(scope, [operation]));
    return inParts(agents, async (agent, indexes) => {
      const writes = indexes.flatMap((index) => operations[index] ?? []);
      return this.#file(agent).writeEach(writes.map((operation) => ({ resource, operations: [operation], fences })));
    });
  }

  /** Reads a record. Throws `record-not-found`. */
  read(scope: Scope, collection: string, id: string): StoredDocument {
    const stored = this.#store(scope, collection).read(scope.resource, collection, id);
    if (stored === undefined) throw noSuchRecord(collection, id);
    return stored;
  }

  /** See `AgentStore.assertCollection`. */
  assertCollection(scope: Scope, collection: string): void {
    this.#store(scope, collection).assertCollection(collection);
  }

  /** Queries a collection. Throws `invalid-request`. */
  query(scope: Scope, collection: string, query: Query): QueryResult {
    return this.#store(scope, collection).query(scope.resource, collection, query);
  }

  /** One page of records. Throws `invalid-request`. */
  page(scope: Scope, collection: string, query: Omit<Query, 'aggregate' | 'explain'>): RecordPage {
    const page = this.query(scope, collection, query);
    if (!('records' in page)) throw new Error('a query for records was answered with something else');
    return page;
  }

  /** See `Lookups.sharedTexts`. */
  sharedTexts(
    scope: Scope,
    collection: string,
    { path, most }: { readonly path: string; readonly most: { readonly texts: number; readonly perText: number } },
  ): SharedText[] {
    return this.#store(scope, collection).lookups.sharedTexts({ resource: scope.resource, collection }, path, most);
  }

  /** See `Lookups.memberTexts`. Of all the agent's resources. */
  memberTexts(scope: Scope, collection: string, path: string): string[] {
    return this.#store(scope, collection).lookups.memberTexts(collection, path);
  }

  /** See `Lookups.idsByMembers`. */
  idsByMembers(scope: Scope, collection: string, wanted: MemberGroups & { readonly path: string }): string[] {
    return this.#store(scope, collection).lookups.idsByMembers(
      { resource: scope.resource, collection },
      wanted.path,
      wanted,
    );
  }

  /** Streams what a query of a collection finds, as far as one stream goes. Rejects with `invalid-request`. */
  stream(scope: Scope, collection: string, query: Query): RecordStream {
    return streamPages((page) => this.query(scope, collection, page), query, this.#bounds);
  }

  /** Lists a collection by id. */
  list(scope: Scope, collection: string, page: { prefix: string; after: string; limit: number }): Page<ListedDocument> {
    return this.#store(scope, collection).list({ resource: scope.resource, collection }, page);
  }

  #store(scope: Scope, collection: string): AgentStore {
    return this.#shared.holds(collection) ? this.#shared.made() : this.#files.get(scope.agent);
  }

  #file(agent: string): AgentStore {
    return agent === SHARED_AGENT ? this.#shared.made() : this.#files.get(agent);
  }

  /** In whose file operations are written: the agent's, or that of what all nodes share. Throws `invalid-request` for a mix. */
  #writerOf(scope: Scope, operations: readonly StoreOperation[]): string {
    const [agent = scope.agent, other] = new Set(
      operations.map((operation) => (this.#isShared(operation) ? SHARED_AGENT : scope.agent)),
    );
    if (other === undefined) return agent;
    const message = 'shared collections and others are written one after the other, not all or nothing';
    throw new HoldfastError('invalid-request', message, { issues: [{ path: '', message }] });
  }

  #isShared(operation: StoreOperation): boolean {
    if (operation.collection !== DECLARATIONS) return this.#shared.holds(operation.collection);
    return this.#shared.holds(operation.id) || (operation.op === 'put' && declaresShared(operation.document.value));
  }
}

/**
 * An operation of a batch as the store takes it. `source` is the JSON text it was parsed from. Throws what `documentOf`
 * throws, and `invalid-request` for a missing document.
 */
export function toStoreOperation(operation: Operation, source: string, nowMs: number): StoreOperation {
  const { collection } = operation;
  const precondition = preconditionOf(operation);
  const target = { collection, ...(precondition !== undefined && { precondition }) };
  if (operation.op === 'delete') return { ...target, op: 'delete', id: operation.id };
  if (operation.doc === undefined) throw missingDocument();
  const document = documentOf(operation.doc as Json, source);
  const expiresAtMs = operation.ttl === undefined ? undefined : nowMs + operation.ttl * 1000;
  if (operation.op === 'put') {
    return { ...target, op: 'put', id: operation.id ?? makeRecordId(), document, expiresAtMs: expiresAtMs ?? null };
  }
  return {
    ...target,
    op: 'patch',
    id: operation.id,
    patch: document,
    ...(expiresAtMs !== undefined && { expiresAtMs }),
  };
}

// Without this a forgotten `doc` would be taken for null, and a patch of null replaces the whole value.
function missingDocument(): HoldfastError {
  const issues = [{ path: 'doc', message: 'required' }];
  return new HoldfastError('invalid-request', 'doc: required', { issues });
}

function declaresShared(declaration: Json): boolean {
  return typeof declaration === 'object' && declaration !== null && 'conflict' in declaration
    ? declaration.conflict === 'shared'
    : false;
}

/** Does parts of a whole by what they belong to, and gives the results in the order of the whole. */
async function inParts<Result>(
  owners: readonly string[],
  run: (owner: string, indexes: readonly number[]) => Promise<readonly Result[]>,
): Promise<Result[]> {
  const parts = Map.groupBy(owners.keys(), (index) => owners[index] ?? '');
  const results: Result[] = [];
  for (const [owner, indexes] of parts)
    for (const [at, result] of (await run(owner, indexes)).entries()) results[indexes[at] ?? 0] = result;
  return results;
}

/** The refusal of what is about a record that is not there. */
export function noSuchRecord(collection: string, id: string): HoldfastError {
  return new HoldfastError('record-not-found', `there is no record "${id}" in "${collection}"`);
}

/** What tells one request from another under the same idempotency key. */
export function requestFingerprint(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('base64url');
}

function preconditionOf(operation: Operation): Precondition | undefined {
  if (operation.ifMatch !== undefined) return { kind: 'version', version: operation.ifMatch };
  if (operation.op === 'put' && operation.ifNoneMatch !== undefined) return { kind: 'absent' };
  return undefined;
}
