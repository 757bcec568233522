import type {
  AgentStatus,
  BatchEnd,
  BuiltInDocuments,
  NodeStatus,
  Operation,
  RestoreStatus,
  Statistics,
} from '@holdfast/protocol';

import { type AchievementsClient, openAchievements } from './achievements.ts';
import type { BackupsClient } from './backups.ts';
import { type CacheClient, openCache } from './cache.ts';
import { type Caller, callerOf } from './caller.ts';
import type { AnswerOf, DaemonRoutes, InputOf } from './calls.ts';
import {
  type AnyDocument,
  type BuiltInName,
  type CollectionClient,
  openCollection,
  type FencedOptions,
} from './collection.ts';
import { type ContextClient, openContext } from './context.ts';
import { type CollectionsClient, openCollections } from './declarations.ts';
import { eventCallerOf } from './event-caller.ts';
import { daemonCalls } from './daemon-calls.ts';
import { type ChannelsClient, openChannels } from './channels.ts';
import { lineCallerOf } from './line-caller.ts';
import { type KvClient, openKv } from './kv.ts';
import { type LocksClient, openLocks } from './locks.ts';
import { type LimitsClient, openLimits } from './limits.ts';
import { type MailClient, openMail } from './mail.ts';
import { type MetricsClient, openMetrics } from './metrics.ts';
import { type NetworkClient, openNetwork } from './network.ts';
import { randomKey } from './random-key.ts';
import { openRegistry, type RegistryClient } from './registry.ts';
import { openReplica, openSubscriptions, type ReplicaClient, type SubscriptionsClient } from './replica.ts';
import { openRecruiter, type RecruiterClient } from './recruiter.ts';
import { type Readiness, Requester } from './requester.ts';
import { ALL_RECORDS_MS, type RetentionClient } from './retention.ts';
import { openSessions, type SessionsClient } from './sessions.ts';
import { type ConnectOptions, daemonPlace } from './settings.ts';
import { streamOperations, type StreamOptions } from './stream.ts';
import { openTasks, type TasksClient } from './tasks.ts';

/** What became of an atomic batch: one result for each operation, in order. */
export type BatchAnswer = AnswerOf<DaemonRoutes['batch']>;
/** An agent and its tokens, without secrets. */
export type AgentInfo = AnswerOf<DaemonRoutes['agent.list']>['agents'][number];
/** A new token; its secret is in this answer and nowhere else. */
export type NewAgentToken = AnswerOf<DaemonRoutes['agent.token']>;
/** A change of the node that the relay would not take. */
export type NodeDeadLetter = AnswerOf<DaemonRoutes['dead-letter.list']>['dead_letters'][number];
/** Which relay to join, with what join token, under what name. */
export type JoinRequest = InputOf<DaemonRoutes['node.join']>['body'];
/** The name the node is to have, with a join token for it, and which relay to join: default the one it is at. */
export type ReidentifyRequest = InputOf<DaemonRoutes['node.reidentify']>['body'];
/** The name the node has now, and its relay. */
export type Joined = AnswerOf<DaemonRoutes['node.join']>;

/** The name the node has now, its relay, and the agents that are restored from there. */
export type Adopted = AnswerOf<DaemonRoutes['node.adopt']>;
/** What an agent is restored from: the relay, or a backup, by default the newest that has it. */
export type RestoreRequest = InputOf<DaemonRoutes['agent.restore']>['body'];

/** What an atomic batch may carry. */
export interface BatchOptions extends FencedOptions {
  /** The same key and operations again, within a day, give the first answer. Default a random key for each call. */
  readonly idempotencyKey?: string | undefined;
}

/** The node itself; admin tokens only. */
export interface NodeClient {
  /** The link to the relay and the state of every agent. */
  status(): Promise<NodeStatus>;
  /** Enrols the node at a relay. Not sent again once it may have been carried out: the join token is used up by then. */
  join(request: JoinRequest): Promise<Joined>;
  /**
   * Takes over an enrolled node whose machine is gone, with a join token made to replace it. Resolves when its agents are
   * known; they are restored from then on. Not sent again, like `join`.
   */
  adopt(request: JoinRequest): Promise<Adopted>;
  /**
   * Makes this copy of a node a node of its own, under a new name, at the same relay unless another is named. Not sent
   * again, like `join`.
   */
  reidentify(request: ReidentifyRequest): Promise<Joined>;
}

/** The node's agents; admin tokens only. */
export interface AgentsClient {
  list(): Promise<readonly AgentInfo[]>;
  /** Makes an agent and its first token. */
  create(name: string): Promise<NewAgentToken>;
  /** Makes a further token, bound to one resource if one is named. */
  token(agent: string, options?: { readonly resource?: string | undefined }): Promise<NewAgentToken>;
  /** Revokes a token by its id. */
  revoke(agent: string, tokenId: string): Promise<void>;
  /** Begins to rebuild an agent's file; what is there is set aside. */
  restore(agent: string, request: RestoreRequest): Promise<RestoreStatus>;
  /** How far restoring an agent is, and the report once it is done. */
  restoreStatus(agent: string): Promise<RestoreStatus>;
}

/** Changes of the node that the relay would not take; admin tokens only. */
export interface NodeDeadLettersClient {
  list(): Promise<readonly NodeDeadLetter[]>;
  /** Sends the record as it stands now once more. */
  retry(agent: string, id: string): Promise<void>;
  /** Forgets the rejection; the record stays as it is. */
  drop(agent: string, id: string): Promise<void>;
}

/** A daemon's client. */
export interface Holdfast extends AsyncDisposable {
  /** A collection that ships with Holdfast, with its documents' type; an open one's documents may hold more. */
  collection<Name extends BuiltInName>(name: Name): CollectionClient<BuiltInDocuments[Name]>;
  /** Any collection. */
  collection<T = AnyDocument>(name: string): CollectionClient<T>;
  readonly kv: KvClient;
  readonly context: ContextClient;
  /**
   * Queries what the relay holds: of the agent, and with an admin's token that names no agent of the whole node; of others what the
   * relay's `query.sharedAgents` and `query.sharedCollections` allow. While the relay cannot be reached, the copies this node keeps answer
   * (`from`), if a subscription covers the query. Throws `not-enrolled`, `relay-unreachable`.
   */
  readonly network: NetworkClient;
  /** The copies this node keeps of what other agents wrote: read with or without the relay. */
  readonly replica: ReplicaClient;
  readonly subscriptions: SubscriptionsClient;
  /** Carries out all operations or none; at most 1,000. */
  batch(operations: readonly Operation[], options?: BatchOptions): Promise<BatchAnswer>;
  /**
   * Sends operations as they come and hands out each answer as it comes, without holding either all in memory. They are
   * committed in chunks: when it fails half way, what was answered stays written. Never sent again by itself.
   *
   * Resolves with the end line, whose `stoppedAt` and `error` tell if the daemon stopped early. Throws what `operations`
   * or `onAnswer` throw, `HoldfastProblem` when refused, `HoldfastUnreachable` when cut before the end or silent for
   * `timeoutMs` with answers owed. Needs streaming request bodies: Node, or a browser over HTTP/2.
   */
  stream(operations: AsyncIterable<Operation> | Iterable<Operation>, options?: StreamOptions): Promise<BatchEnd>;
  /** The agent's records, outbox, last acknowledgement and dead letters. */
  status(): Promise<AgentStatus>;
  readonly collections: CollectionsClient;
  readonly tasks: TasksClient;
  readonly registry: RegistryClient;
  readonly mail: MailClient;
  readonly channels: ChannelsClient;
  readonly locks: LocksClient;
  readonly metrics: MetricsClient;
  readonly achievements: AchievementsClient;
  /** What recruiters ask: search, matches, interviews, interactions. */
  readonly recruiter: RecruiterClient;
  readonly cache: CacheClient;
  readonly limits: LimitsClient;
  readonly sessions: SessionsClient;
  readonly node: NodeClient;
  readonly agents: AgentsClient;
  readonly deadLetters: NodeDeadLettersClient;
  readonly backups: BackupsClient;
  readonly retention: RetentionClient;
  /** How much the agent's collections hold and grow; with an admin's token that names no agent, those of all agents. */
  statistics(): Promise<Statistics>;
  /** Whether the daemon says it is ready, asked once. Throws `HoldfastUnreachable` if there is no answer. */
  ready(): Promise<Readiness>;
  /**
   * Stores what `metrics` noted, releases the locks that `locks` holds, ends requests under way and frees connections. May be called again; other calls fail afterwards.
   * Throws what `metrics.flush` throws, with the connections freed all the same.
   */
  close(): Promise<void>;
}

/**
 * Makes a daemon's client. Nothing is sent yet. What `options` leaves out comes, on Node, from `HOLDFAST_SOCKET`, `HOLDFAST_URL`,
 * `HOLDFAST_TOKEN` and `HOLDFAST_TOKEN_FILE`; the address is then `http://127.0.0.1:8002`. Throws `bad-configuration`.
 *
 * Failures that may pass are tried again, with full jitter and as Retry-After says, but only where that is safe:
 * - reads and queries always; `create` and `batch` always, by their idempotency key;
 * - `put` and `delete` always. If the first attempt's answer was lost and the repetition meets a failed precondition, that
 *   may be the first one's own work: `HoldfastUnreachable` with outcome `unknown` says so, and the caller reads the record;
 * - `patch` with `ifMatch` likewise; `patch` without, and calls that make agents and tokens, only after a failure that
 *   certainly changed nothing.
 */
export function connect(options: ConnectOptions = {}): Holdfast {
  const requester = new Requester(daemonPlace, options);
  const call = callerOf<DaemonRoutes>(requester, daemonCalls);
  const lines = lineCallerOf<DaemonRoutes>(requester, daemonCalls);
  const events = eventCallerOf<DaemonRoutes>(requester, daemonCalls);
  const collection = <T>(name: string): CollectionClient<T> => openCollection<T>(call, { lines, events }, name);
  const batch = async (
    operations: readonly Operation[],
    { idempotencyKey = randomKey(), ifFence, ...query }: BatchOptions = {},
  ) => (await call('batch', { query, body: [...operations] }, { idempotencyKey, ifFence })).value;
  const metrics = openMetrics({
    write: (operations, idempotencyKey) => batch(operations, { idempotencyKey }),
    aggregate: (query) => collection('metrics').aggregate(query),
  });
  const locks = openLocks(call);
  const close = async (): Promise<void> => {
    try {
      await Promise.all([metrics.flush(), locks.releaseAll()]);
    } finally {
      await requester.close();
    }
  };
  return {
    collection,
    kv: openKv(call),
    context: openContext(call, events),
    network: openNetwork(async (query) => (await call('network.query', { body: query }, { repeat: 'free' })).value),
    replica: openReplica(call),
    subscriptions: openSubscriptions(call),
    batch,
    stream: (operations, streamOptions) => streamOperations(requester, operations, streamOptions),
    status: async () => (await call('status.agent', {})).value,
    collections: openCollections(call),
    tasks: openTasks(call, collection('tasks')),
    registry: openRegistry(call),
    mail: openMail(call),
    channels: openChannels(call, events),
    locks: locks.client,
    metrics,
    achievements: openAchievements(collection('achievements')),
    recruiter: openRecruiter(call, collection('candidates')),
    cache: openCache(call),
    limits: openLimits(call),
    sessions: openSessions(call),
    node: openNode(call),
    agents: openAgents(call),
    deadLetters: openDeadLetters(call),
    backups: {
      list: async () => (await call('backup.list', {})).value,
      start: async () => (await call('backup.start', {})).value,
    },
    retention: openRetention(call),
    statistics: async () => (await call('statistics', {}, { waitMs: ALL_RECORDS_MS })).value,
    ready: () => requester.ready(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function openRetention(call: Caller<DaemonRoutes>): RetentionClient {
  return {
    run: async ({ dryRun, agent } = {}) => {
      const body = { dry_run: dryRun, agent };
      return (await call('retention.run', { body }, { waitMs: ALL_RECORDS_MS })).value;
    },
    show: async () => (await call('retention.show', {})).value,
  };
}

function openNode(call: Caller<DaemonRoutes>): NodeClient {
  return {
    status: async () => (await call('status.node', {})).value,
    join: async (request) => (await call('node.join', { body: request })).value,
    adopt: async (request) => (await call('node.adopt', { body: request })).value,
    reidentify: async (request) => (await call('node.reidentify', { body: request })).value,
  };
}

function openAgents(call: Caller<DaemonRoutes>): AgentsClient {
  return {
    list: async () => (await call('agent.list', {})).value.agents,
    create: async (name) => (await call('agent.create', { body: { name } })).value,
    token: async (agent, { resource } = {}) =>
      (await call('agent.token', { params: { agent }, body: { resource } })).value,
    revoke: async (agent, id) => {
      await call('agent.token.revoke', { params: { agent, id } });
    },
    restore: async (agent, request) => (await call('agent.restore', { params: { agent }, body: request })).value,
    restoreStatus: async (agent) => (await call('agent.restore.status', { params: { agent } })).value,
  };
}

function openDeadLetters(call: Caller<DaemonRoutes>): NodeDeadLettersClient {
  return {
    list: async () => (await call('dead-letter.list', {})).value.dead_letters,
    retry: async (agent, id) => {
      await call('dead-letter.retry', { params: { agent, id } });
    },
    drop: async (agent, id) => {
      await call('dead-letter.drop', { params: { agent, id } });
    },
  };
}
