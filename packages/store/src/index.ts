export { AgentFiles, type AgentFilesOptions } from './agent-files.ts';
export {
  AgentStore,
  type AgentStoreOptions,
  type AgentSummary,
  type CollectionCount,
  type ListedDocument,
  type StoredDocument,
} from './agent-store.ts';
export { GroupCommit, type Outcome, type TransactionHooks, type Unit } from './group-commit.ts';
export { agentMigrations } from './migrations/index.ts';
export { type Idempotency, type Precondition, type StoreOperation, type Write, type WriteResult } from './operation.ts';
export { type BatchBounds, type NodeDeadLetter, type OutboxBatch } from './outbox.ts';
export { type Page } from './page.ts';
export { type QueryScope } from './query/compile.ts';
export { type QueryResult, runQuery, toTimestamp } from './query/run.ts';
export { placeholders, sql, type Sql, type SqlValue } from './query/sql.ts';
export { recordHash, type RecordContent, type RecordRow, rowOfChange } from './row.ts';
