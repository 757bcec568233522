export { addressedCollections, type Addressing } from './addressed.ts';
export {
  type CallAnswer,
  type Caller,
  type CallOutcome,
  callOutcomeSchema,
  type CallProblem,
  type CallReceipt,
  callReceiptSchema,
  type CallRequest,
  type NextCalls,
  type TakenCall,
  type TakenCalls,
  takenCallsSchema,
} from './calls.ts';
export {
  type ChannelMessage,
  type ChannelPresence,
  type InterestChanges,
  interestReceiptSchema,
  publishReceiptSchema,
  type Publisher,
  type Reach,
  type RelayEvent,
  relayEventSchema,
  type RelayListen,
  relayPresenceAnswerSchema,
  type RelayPresenceRequest,
  type RelayPublish,
  type SentMessage,
} from './channels.ts';
export { type CacheClass, cacheClasses, type CacheClassName, cacheClassNames } from './cache-classes.ts';
export { type Candidate, candidates } from './collections/candidates.ts';
export type { Interaction } from './collections/interactions.ts';
export type { Interview } from './collections/interviews.ts';
export type { Requisition } from './collections/requisitions.ts';
export { type CheckedDocument, documentCheck, type DocumentCheck, normalTime } from './collections/check.ts';
export { CHANNEL_MESSAGES } from './collections/channel-messages.ts';
export { CONTEXT } from './collections/context.ts';
export { DECLARATIONS } from './collections/collections.ts';
export {
  type BuiltInCollection,
  type Collection,
  type Declaration,
  declarationSchema,
  type DocumentKind,
  isMemberIndex,
} from './collections/declaration.ts';
export { contradictions } from './collections/evolution.ts';
export type { Field as FieldDeclaration, Fields, FieldType } from './collections/field.ts';
export { builtInCollection, builtInCollections, type BuiltInDocuments, collectionKind } from './collections/index.ts';
export { collectionNotFound } from './collections/not-found.ts';
export { fieldsOfJsonSchema, jsonSchemaOf } from './collections/json-schema.ts';
export { fieldAt } from './collections/paths.ts';
export { maskedDocument, personalPaths } from './collections/personal.ts';
export { tasks as tasksCollection } from './collections/tasks.ts';
export { assertSuccessor, readDeclaration, storedDeclaration } from './collections/read-declaration.ts';
export type { Retention, RetentionPolicy, RetentionSide } from './collections/retention.ts';
export { unionOf } from './collections/union.ts';
export {
  type ConfigOf,
  type ConfigSources,
  environmentOf,
  flagOf,
  type Option,
  type OptionKind,
  type Options,
  type Origin,
  optionText,
  resolveConfig,
  type ResolvedConfig,
} from './config/options.ts';
export { renderConfigFile } from './config/render.ts';
export {
  type CareConfig,
  type CommitConfig,
  type NodeConfig,
  nodeOptions,
  type RelayConfig,
  relayOptions,
  type ServiceConfig,
  services,
  type StreamConfig,
} from './config/services.ts';
export {
  type Document,
  documentOf,
  isJsonObject,
  type Json,
  type JsonObject,
  mergePatch,
  parseDocument,
  parseJson,
  utf8Length,
  writtenDigits,
} from './document.ts';
export { errorCatalogue, type ErrorCode, errorCodes, isErrorCode } from './error-catalogue.ts';
export type { ErrorKind } from './error-kind.ts';
export {
  type ErrorOptions,
  HoldfastError,
  invalidRequest,
  isHoldfastError,
  type Issue,
  type Problem,
  problemSchema,
} from './errors.ts';
export { HybridClock, type Now, startOf, startOfBoot, VERSION_PATTERN, versionMs, ZERO_VERSION } from './hlc.ts';
export { limits } from './limits.ts';
export { type FenceProof, fenceProofText, type LockScope, parseFenceProofs } from './locks.ts';
export { didYouMean } from './nearest.ts';
export {
  agentName,
  COLLECTION_PATTERN,
  collectionName,
  isRecordId,
  makeRecordId,
  NAME_PATTERN,
  NO_RESOURCE,
  nodeName,
  peerName,
  recordId,
  RESOURCE_PATTERN,
  resourceName,
  SHARED_AGENT,
} from './names.ts';
export {
  batchAnswerSchema,
  type BatchEnd,
  batchEndSchema,
  type BatchLine,
  batchLineSchema,
  batchSchema,
  type Operation,
  operationSchema,
  ttlSeconds,
} from './operations.ts';
export {
  type NetworkLockAnswer,
  networkLockAnswers,
  type NetworkLockCall,
  type NetworkLockRequest,
  type NetworkLockWish,
} from './network-locks.ts';
export { type PeerCallName, peerCalls } from './peer-calls.ts';
export { type Aggregate, bucketMs, groupNames, type Metric, type MetricFunction } from './query/aggregate.ts';
export { type Condition, conditionSchema, type Operator, operators, type Scalar } from './query/condition.ts';
export { metadataFields, type MetadataField, ownerFields } from './query/field.ts';
export { parseQueryText } from './query/text/query-text.ts';
export { type Connective, type Filter, type FilterPart, filterParts } from './query/filter.ts';
export {
  type Freshness,
  type NetworkAnswer,
  networkAnswerSchema,
  type NetworkQuery,
  type NetworkRequest,
  networkQuerySchema,
  type Query,
  type QueryAnswer,
  type ReplicaAnswer,
  queryAnswerSchema,
  type QueryEnd,
  type QueryPlan,
  type RelayAnswer,
  querySchema,
} from './query/query.ts';
export type { SqlAnswer, SqlEnd } from './query/sql.ts';
export {
  answeredDocument,
  type Record,
  type RecordKey,
  recordSchema,
  type WriteAnswer,
  writeAnswerSchema,
} from './record.ts';
export { type Backup, type Backups, backupsSchema } from './routes/backup.ts';
export type { Watched } from './routes/context.ts';
export { CAUGHT_UP_EVENT, type FeedQuery } from './routes/feed.ts';
export type { LockLease, LockStanding } from './routes/locks.ts';
export type { Letter, ReceivedLetter, SentLetter } from './routes/mail.ts';
export type { Heartbeat, RegistryEntry } from './routes/registry.ts';
export type { CacheClassFigures, Invalidation } from './routes/cache.ts';
export type { NewSession, Revocation, Session } from './routes/sessions.ts';
export type { ClaimedTask, TaskClaim, TaskReport, TaskStanding } from './routes/tasks.ts';
export { type DaemonRouteId, daemonRoutes } from './routes/daemon.ts';
export {
  type AgentStatus,
  type DiskStatus,
  type NodeStatus,
  type RestoreReport,
  type RestoreStatus,
  type ScrubStatus,
} from './routes/node-status.ts';
export { type DeadLetter, type NodeInfo, type RelayRouteId, type RelayStatus, relayRoutes } from './routes/relay.ts';
export type { Match, Matches, MatchReasons } from './routes/recruiter.ts';
export {
  type RetentionAnswer,
  type RetentionOwner,
  type RetentionRun,
  type Statistics,
  type StatisticsOwner,
} from './routes/retention.ts';
export {
  bodyErrors,
  commonErrors,
  END_EVENT,
  eventErrors,
  type Role,
  type Route,
  type RouteAnswer,
  type RouteBody,
} from './routes/route.ts';
export {
  type BatchHeader,
  batchHeaderSchema,
  type BatchReceipt,
  batchReceiptSchema,
  type Buckets,
  bucketsSchema,
  type Change,
  changeSchema,
  type CopyPage,
  copyPageSchema,
  type Cursor,
  cursorSchema,
  DIGEST_BUCKETS,
  type FeedChange,
  feedCursor,
  feedEndSchema,
  feedEpoch,
  type FeedPage,
  feedPageSchema,
  type FeedRights,
  type ImmediateRequest,
  immediateReceiptSchema,
  immediateSchema,
  type JoinAnswer,
  joinAnswerSchema,
  joinRequestSchema,
  OLDEST_PROTOCOL_VERSION,
  PROTOCOL_VERSION,
  protocolHistory,
  type Reject,
  type SessionAnswer,
  sessionAnswerSchema,
  type SessionRequest,
  sessionRequestSchema,
  type StartEntry,
  type StreamPage,
  streamPageSchema,
  type WaitingChanges,
} from './sync.ts';
export {
  type ConfiguredSubscriptions,
  type Subscription,
  subscriptionName,
  type SubscriptionScope,
  subscriptionScopeSchema,
  type SubscriptionStanding,
} from './subscriptions.ts';
