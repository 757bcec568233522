export type { BackupsClient } from './backups.ts';
export type { ContextClient, WatchedKey } from './context.ts';
export type { WatchedRecord, WatchOptions } from './watch.ts';
export type { FeedClient, FeedEntry, FeedRange, FollowOptions } from './feed.ts';
export type { AchievementsClient, Standing } from './achievements.ts';
export type { Lease, LockOptions, LockPlace, LockStanding } from './lock-calls.ts';
export { type HeldLock, LockLost } from './held-lock.ts';
export type { LeadOptions, LocksClient } from './locks.ts';
export type { InboxOptions, MailClient, NewLetter } from './mail.ts';
export type { MetricOptions, MetricsClient, SeriesOptions } from './metrics.ts';
export type { RegistryClient } from './registry.ts';
export type { ClaimOptions, FailOptions, HeartbeatOptions, TaskHold } from './task-calls.ts';
export type { NewTask, TasksClient } from './tasks.ts';
export { TaskHopeless, type WorkOptions } from './worker.ts';
export type {
  AnyDocument,
  BuiltInName,
  ChangeOptions,
  CollectionClient,
  CreateOptions,
  FencedOptions,
  Found,
  MergePatch,
  PatchOptions,
  PutOptions,
  WaitOptions,
} from './collection.ts';
export { HoldfastProblem, HoldfastUnreachable, type Outcome, type ProblemCode, type ProblemFields } from './errors.ts';
export {
  type Adopted,
  type ReidentifyRequest,
  type AgentInfo,
  type AgentsClient,
  type BatchAnswer,
  type BatchOptions,
  connect,
  type Holdfast,
  type Joined,
  type JoinRequest,
  type NewAgentToken,
  type NodeClient,
  type NodeDeadLetter,
  type NodeDeadLettersClient,
  type RestoreRequest,
} from './holdfast.ts';
export type { ChannelsClient, DurableListenOptions, DurableMessage, PublishOptions } from './channels.ts';
export type { ListenOptions, ResumeOptions } from './event-reader.ts';
export type { LimitsClient, Taken, TakeOptions } from './limits.ts';
export type { EndedSessions, MadeSession, NewSession, SessionsClient } from './sessions.ts';
export type { CacheClient, CacheOptions, RememberOptions } from './cache.ts';
export type { FoundValue, KvClient, KvEntry, KvListOptions } from './kv.ts';
export type { NetworkClient } from './network.ts';
export type {
  ReplicaClient,
  ReplicaKey,
  ReplicaPage,
  Subscription,
  SubscriptionScope,
  SubscriptionsClient,
} from './replica.ts';
export type {
  AggregateQuery,
  Group,
  NetworkAggregateQuery,
  NetworkPage,
  NetworkPageQuery,
  Page,
  PageQuery,
  Parts,
  RecordOf,
  Selected,
} from './queries.ts';
export type {
  AcknowledgeAnswer,
  Acknowledgement,
  CandidateDuplicates,
  CandidateSearch,
  InterviewOutcome,
  MatchOptions,
  OutcomeAnswer,
  PendingOptions,
  RecruiterClient,
  UpcomingOptions,
} from './recruiter.ts';
export {
  connectRelay,
  type DeadLetterWithChange,
  type HoldfastRelay,
  type Invitation,
  type InviteRequest,
  type NetworkCollection,
  type NewToken,
  type RelayDeadLettersClient,
  type RetryAnswer,
  type TokenRequest,
} from './relay.ts';
export type { Candidate, Interaction, Interview, Match, Matches, Requisition } from '@holdfast/protocol';
export type { RetentionClient, RetentionRequest } from './retention.ts';
export type { Readiness } from './requester.ts';
export type { SqlRow, StreamedRows } from './row-stream.ts';
export type { ConnectionOptions, ConnectOptions } from './settings.ts';
export type { StreamOptions } from './stream.ts';
export type { Fetch } from './transport.ts';
export type { CollectionInfo, CollectionsClient, DeclarationRequest } from './declarations.ts';
