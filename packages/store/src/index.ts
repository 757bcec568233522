export { bucketOf, digestOf, digestShare, digestText, EMPTY_DIGEST, isDigest } from './digest.ts';
export { AgentFiles, type AgentFilesOptions, damageError, type FileWatch } from './agent-files.ts';
export { AgentStore, type AgentStoreOptions } from './agent-store.ts';
export type { AgentSummary, CollectionCount } from './agent-figures.ts';
export type { ListedDocument, StoredDocument } from './stored-document.ts';
export { deriveAnew } from './declared/derive-anew.ts';
export { derivedTables } from './declared/derived-tables.ts';
export type { KeySpan } from './declared/portions.ts';
export { DerivedUpkeep } from './declared/upkeep.ts';
export type { TakenIn } from './feed/intake.ts';
export type { WatchedRecord, WatchPlace, WatchScope } from './feed/watched-records.ts';
export { GroupCommit, savepointOf, type Outcome, type TransactionHooks, type Unit } from './group-commit.ts';
export { agentMigrations } from './migrations/index.ts';
export { type Idempotency, type Precondition, type StoreOperation, type Write, type WriteResult } from './operation.ts';
export { type BatchBounds, type NodeDeadLetter, type OutboxBatch, type WrittenRange } from './outbox.ts';
export { type Page } from './page.ts';
export { type QueryScope } from './query/compile.ts';
export type { Lines, Row, RowSource } from './query/row-source.ts';
export type { MemberGroups, SharedText } from './query/lookups.ts';
export { runQuery, runQueryIn } from './query/run.ts';
export type { QueryResult } from './query/runnable.ts';
export {
  type RecordStream,
  type StreamBounds,
  streamBounds,
  streamFrom,
  type StreamOptions,
  streamPages,
} from './query/stream.ts';
export { SqlReader, type SqlReaderOptions, type SqlRows } from './sql/sql-reader.ts';
export type { SqlColumn, SqlColumnType, SqlView } from './sql/views.ts';
export { QueryPool, type QueryPoolOptions } from './query-process/query-pool.ts';
export { leaseTables } from './leases/lease-schema.ts';
export type { HeldLock, Lease, LeaseFigures, LeaseRequest, Leases, Lock, LockHolder } from './leases/leases.ts';
export { SqliteLeases } from './leases/sqlite-leases.ts';
export { all, any, named, not, placeholders, sql, type Sql, type SqlValue } from './query/sql.ts';
export { jsonPath, type Names, recordColumns } from './query/field.ts';
export { indexedValue } from './query/place.ts';
export { prepared } from './query/prepared.ts';
export { type IndexWalk, indexWalk } from './query/walk.ts';
export { toTimestamp } from './query/timestamp.ts';
export { type ComparedRecord, type Rewound, type Unaccounted } from './reconciler.ts';
export { FreePages } from './retention/free-pages.ts';
export { type PassFigures, retainedAnswer, RetentionPass, type WeighedRecord } from './retention/retention-pass.ts';
export { type RecordKey, retiredKey } from './retention/retired-key.ts';
export { type ComparedRetired, isOfRecord } from './retention/retired-records.ts';
export {
  type CollectionFigures,
  statisticsAnswer,
  StatisticsTally,
  TALLIED_COLUMNS,
  type TalliedRecord,
} from './retention/statistics.ts';
export { recordHash, type RecordContent, type RecordRow, rowOfChange } from './row.ts';
export { FileBuilder, type TakenRows } from './restore/file-builder.ts';
export { pagesOfFile } from './restore/file-pages.ts';
export { runSalvage } from './restore/run-salvage.ts';
export type { RecordPlace, Salvaged } from './restore/salvage.ts';
export { databaseFiles, removeDatabase, setAside, syncDirectory } from './set-aside.ts';
export { checkFile } from './check/check-file.ts';
export type { DamagedRecord, FileKind, FileReport, Problem, ProblemKind } from './check/report.ts';
export { type CheckOptions, runCheck } from './check/run-check.ts';
export { inodeOf, Scrubber, type ScrubberOptions, type ScrubTarget } from './check/scrubber.ts';
export { parseStored } from './stored-json.ts';
export { sealAll, sealed, type SealedTable } from './seal.ts';
export { Lineage } from './lineage.ts';
export { addSettlements, NO_SETTLEMENT, type Settlement } from './settlement.ts';
export { RecordsTransaction, type Transact } from './transaction.ts';
export type { CollectionsByResource } from './written-collections.ts';
export { SteadyTime, type SteadyTimeOptions } from './steady-time.ts';
