export { initRelay } from './service/setup.ts';
export { type RelayOptions, type RunningRelay, startRelay } from './start.ts';
export type { FeedPart, FeedRow, FeedScope, RelayFeed } from './storage/feed.ts';
export type {
  AgentPart,
  CopyPart,
  IncomingBatch,
  IncomingChange,
  IncomingImmediate,
  NodeSpeaker,
  NodeStanding,
  Refusal,
  RelayStore,
  Retained,
  SessionOpening,
  Speaker,
  StoredDeadLetter,
  StoreFigures,
  StreamCursor,
  StreamName,
  StreamPart,
  Taken,
  TokenEntry,
} from './storage/relay-store.ts';
export { sqliteRelayMigrations } from './storage/sqlite/migrations/index.ts';
export { SqliteRelayStore } from './storage/sqlite/sqlite-relay-store.ts';
