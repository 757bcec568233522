import type { DeadLetter, NodeInfo, RelayStatus, SqlAnswer, Statistics } from '@holdfast/protocol';

import type { BackupsClient } from './backups.ts';
import { type Caller, callerOf } from './caller.ts';
import type { AnswerOf, InputOf, RelayRoutes } from './calls.ts';
import type { AnyDocument } from './collection.ts';
import { orNothing } from './found.ts';
import { lineCallerOf } from './line-caller.ts';
import { type FeedClient, openFeed } from './feed.ts';
import { type NetworkClient, openNetwork } from './network.ts';
import type { NetworkPageQuery, RecordOf } from './queries.ts';
import { rowsOf } from './query-answer.ts';
import { streamedRecords } from './record-stream.ts';
import { type OperatorRoutes, relayCalls } from './relay-calls.ts';
import { type Readiness, Requester } from './requester.ts';
import { ALL_RECORDS_MS, type RetentionClient } from './retention.ts';
import { type StreamedRows, streamedRows } from './row-stream.ts';
import { type ConnectionOptions, relayPlace } from './settings.ts';

/** A collection of the network, and how much is in it. */
export type NetworkCollection = AnswerOf<RelayRoutes['collections']>['collections'][number];
/** A dead letter with the change as it came, as text. */
export type DeadLetterWithChange = AnswerOf<RelayRoutes['dead-letter.get']>;
/** What came of trying a dead letter once more: empty `rejects` if it was taken. */
export type RetryAnswer = AnswerOf<RelayRoutes['dead-letter.retry']>;
/** For which node, and for how many seconds (default 900). */
export type InviteRequest = InputOf<RelayRoutes['invite']>['body'];
/** A join token; its secret is in this answer and nowhere else. */
export type Invitation = AnswerOf<RelayRoutes['invite']>;
/** The role a token has, and whose it is. */
export type TokenRequest = InputOf<RelayRoutes['token']>['body'];
/** A new token; its secret is in this answer and nowhere else. */
export type NewToken = AnswerOf<RelayRoutes['token']>;

/** Changes the relay would not take; operators only. */
export interface RelayDeadLettersClient {
  /** Newest first. */
  list(options?: { readonly limit?: number | undefined }): Promise<readonly DeadLetter[]>;
  /** One, or undefined if there is none (any more). */
  get(id: string): Promise<DeadLetterWithChange | undefined>;
  /** Tries to take the change once more; it stays a dead letter if it is refused again. */
  retry(id: string): Promise<RetryAnswer>;
  /** Gives it up for good. */
  drop(id: string): Promise<void>;
}

/** A relay's client. Every call may throw `HoldfastProblem` and `HoldfastUnreachable`. */
export interface HoldfastRelay extends NetworkClient, AsyncDisposable {
  /**
   * All records, or `limit` of them, in answers that are streamed: faster than `each` for many, and in constant memory. Throws
   * `HoldfastUnreachable` when an answer was cut; what came before it is whole then.
   */
  stream<T = AnyDocument>(query?: NetworkPageQuery): AsyncIterable<RecordOf<T>>;
  /**
   * What one SELECT over the views of collections gives, at most 10,000 rows; operators and admins only. Rows are arrays, in the
   * order of the columns.
   */
  sql(statement: string): Promise<SqlAnswer>;
  /** The same with as many rows as one stream has, as they come. Throws `HoldfastUnreachable` when the answer was cut. */
  streamSql(statement: string): Promise<StreamedRows>;
  /** The relay's own state: its disk, the background check of its database, and whether that was put back. */
  status(): Promise<RelayStatus>;
  /** The nodes, their streams and when each was last heard of. */
  nodes(): Promise<readonly NodeInfo[]>;
  /** The collections of the network. */
  collections(): Promise<readonly NetworkCollection[]>;
  /** What changed in the network, in order; nodes, operators and admins only. */
  readonly feed: FeedClient;
  readonly deadLetters: RelayDeadLettersClient;
  readonly backups: BackupsClient;
  readonly retention: RetentionClient;
  /** How much the network's collections hold and grow, by node and agent; operators and admins only. */
  statistics(): Promise<Statistics>;
  /** Makes a join token: single use, for one node name. */
  invite(request: InviteRequest): Promise<Invitation>;
  /** Makes a token for a person or tool; admins only. */
  token(request: TokenRequest): Promise<NewToken>;
  /** Whether the relay says it is ready, asked once. Throws `HoldfastUnreachable` if there is no answer. */
  ready(): Promise<Readiness>;
  /** Ends requests under way and frees connections. May be called again; other calls fail afterwards. */
  close(): Promise<void>;
}

/**
 * Makes a relay's client. Nothing is sent yet. What `options` leaves out comes, on Node, from `HOLDFAST_RELAY_URL`,
 * `HOLDFAST_RELAY_TOKEN` and `HOLDFAST_RELAY_TOKEN_FILE`; the address is then `http://127.0.0.1:8001`. Throws `bad-configuration`.
 * Reads, queries and dropping dead letters are tried again as `connect` tells; the other calls only after a failure that
 * certainly changed nothing.
 */
export function connectRelay(options: ConnectionOptions = {}): HoldfastRelay {
  const requester = new Requester(relayPlace, options);
  const call = callerOf<OperatorRoutes>(requester, relayCalls);
  const lines = lineCallerOf<OperatorRoutes>(requester, relayCalls);
  const close = (): Promise<void> => requester.close();
  return {
    ...openNetwork(async (query) => (await call('query', { body: query }, { repeat: 'free' })).value),
    sql: async (sql) => rowsOf((await call('query', { body: { sql } }, { repeat: 'free' })).value),
    streamSql: (sql) => streamedRows(lines('query', { body: { sql } })),
    stream: (query) => streamedRecords((reach) => lines('query', { body: { ...query, ...reach } }), query),
    status: async () => (await call('status', {})).value,
    nodes: async () => (await call('nodes', {})).value.nodes,
    collections: async () => (await call('collections', {})).value.collections,
    feed: openFeed(call),
    deadLetters: openDeadLetters(call),
    backups: {
      list: async () => (await call('backup.list', {})).value,
      start: async () => (await call('backup.start', {})).value,
    },
    retention: {
      run: async ({ dryRun, agent } = {}) => {
        const body = { dry_run: dryRun, agent };
        return (await call('retention.run', { body }, { waitMs: ALL_RECORDS_MS })).value;
      },
      show: async () => (await call('retention.show', {})).value,
    },
    statistics: async () => (await call('statistics', {}, { waitMs: ALL_RECORDS_MS })).value,
    invite: async (request) => (await call('invite', { body: request })).value,
    token: async (request) => (await call('token', { body: request })).value,
    ready: () => requester.ready(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function openDeadLetters(call: Caller<OperatorRoutes>): RelayDeadLettersClient {
  return {
    list: async (query) => (await call('dead-letter.list', { query })).value.dead_letters,
    get: async (id) => (await orNothing(call('dead-letter.get', { params: { id } })))?.value,
    retry: async (id) => (await call('dead-letter.retry', { params: { id } })).value,
    drop: async (id) => {
      await call('dead-letter.drop', { params: { id } });
    },
  };
}
