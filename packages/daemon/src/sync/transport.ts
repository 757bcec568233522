import type { RecordScope } from '@holdfast/network';
import type {
  BatchReceipt,
  Buckets,
  CallAnswer,
  CallOutcome,
  CallReceipt,
  CallRequest,
  ChannelPresence,
  CopyPage,
  Cursor,
  FeedPage,
  ImmediateRequest,
  InterestChanges,
  JoinAnswer,
  NetworkRequest,
  NetworkLockAnswer,
  NetworkLockCall,
  NetworkLockWish,
  NextCalls,
  Reject,
  RelayListen,
  RelayPresenceRequest,
  RelayPublish,
  SessionAnswer,
  SessionRequest,
  StreamPage,
  TakenCalls,
} from '@holdfast/protocol';

/**
 * What came of a call to the relay.
 *
 * `lost`: no whole answer, so it may or may not have been done. `refused`: the relay does not let this node in (401,
 * 403, 404, 426). `superseded`: 409 node-cloned. `mismatch`: 409 with where the relay stands. `too-large`: 413.
 * `failed`: any other status, or an answer that makes no sense; `retryAfterMs` if the relay named a wait.
 */
export type Outcome<Value> =
  | { readonly kind: 'done'; readonly value: Value }
  | LinkFailure
  | ({ readonly kind: 'too-large' } & Told)
  | { readonly kind: 'mismatch'; readonly cursor: Cursor }
  | ({ readonly kind: 'failed'; readonly retryAfterMs: number } & Told);

/** What the relay said of a call it did not do. */
interface Told {
  readonly reason: string;
  readonly code?: string;
  /** The body of its answer. */
  readonly problem?: Readonly<Record<string, unknown>>;
}

/** An outcome that says nothing of the call and everything of the link. */
export interface LinkFailure extends Told {
  readonly kind: 'lost' | 'refused' | 'superseded';
  /** Only for `lost`: there was not even a connection, so that nothing was done. */
  readonly isUnsent?: boolean;
}

/** An outcome that is not the answer hoped for. */
export type NotDone = Exclude<Outcome<unknown>, { kind: 'done' }>;

/** A batch ready to be sent: what the header says, and the lines. */
export interface BatchToSend {
  readonly agent: string;
  readonly incarnation: string;
  readonly base: Cursor;
  readonly upto: Cursor;
  readonly lines: readonly string[];
  /** About how many changes wait behind these; undefined: not said. */
  readonly waiting?: number;
  /** See `OutboxBatch`. */
  readonly digest?: string;
}

/** A body as it travels. */
export interface EncodedBatch {
  readonly body: string | Uint8Array;
  /** How it is compressed; undefined: not at all. */
  readonly encoding: 'zstd' | undefined;
}

/** Which part of a stream to pull. */
export interface StreamRange {
  readonly agent: string;
  readonly incarnation: string;
  readonly afterSeq: number;
}

/** Which part of an agent's records to copy. */
export interface CopyRange {
  readonly agent: string;
  /** One bucket (`bucketOf`); undefined: all of them. */
  readonly bucket?: number | undefined;
  /** `next` of the page before; undefined: from the beginning. */
  readonly after?: string | undefined;
}

/** Which part of the feed, as the relay is asked for it (`FeedQuery`). */
export interface FeedPart extends RecordScope {
  /** With what is declared of these collections. */
  readonly declarations?: true;
  /** What is addressed to the node's agents alone. */
  readonly addressed?: true;
  /** The stream of the node's own shared records, to hear how far the relay has it. */
  readonly incarnation?: string;
}

/** Which part of the feed to read, and from where. */
export interface FeedRange {
  readonly part: FeedPart;
  /** `cursor` of the page before; undefined: from the beginning. */
  readonly after: string | undefined;
  /** How long the relay may wait for a change. */
  readonly waitSeconds: number;
}

/** An answer of the relay that is handed on as it came: what is new in it means something to whoever asked. */
export type RelayAnswerJson = Readonly<Record<string, unknown>>;

/** What is asked of another node, as it travels. */
export type NodeRequest = Omit<CallRequest, 'timeout_seconds'> & Partial<Pick<CallRequest, 'timeout_seconds'>>;

/** The calls a node makes to its relay. None throws: every failure is an outcome. */
export interface Transport {
  /** Opens or renews the session. */
  session(request: SessionRequest): Promise<Outcome<SessionAnswer>>;
  /** Moves a stream forward. */
  batch(batch: EncodedBatch, signal: AbortSignal): Promise<Outcome<BatchReceipt>>;
  /** Puts a batch into the form it travels in; may be done while the one before it is on its way. */
  encode(boot: string, batch: BatchToSend): Promise<EncodedBatch>;
  /** Merges one change ahead of its batch. `line` is the change as it travels. */
  immediate(request: Omit<ImmediateRequest, 'change'>, line: string): Promise<Outcome<{ rejects: readonly Reject[] }>>;
  /** Pulls back what the relay holds of a stream. */
  streamPage(range: StreamRange, signal: AbortSignal): Promise<Outcome<StreamPage>>;
  /** The digests of what the relay holds of an agent, bucket by bucket. */
  digest(agent: string, signal: AbortSignal): Promise<Outcome<Buckets>>;
  /** Copies what the relay holds of an agent, a page at a time. */
  copyPage(range: CopyRange, signal: AbortSignal): Promise<Outcome<CopyPage>>;
  /** Reads what the relay took, in order, waiting for a change if there is none. */
  feed(range: FeedRange, signal: AbortSignal): Promise<Outcome<FeedPage>>;
  /** Queries the network, in so far as the node may see it. */
  query(query: NetworkRequest, signal: AbortSignal): Promise<Outcome<RelayAnswerJson>>;
  /** Asks another node, and waits for what comes of it. */
  askNode(request: NodeRequest, signal: AbortSignal): Promise<Outcome<CallOutcome>>;
  /** Asks about locks of the network, waiting for one if wished. */
  askLock<Name extends NetworkLockCall>(
    boot: string,
    call: Name,
    wish: NetworkLockWish<Name>,
    signal: AbortSignal,
  ): Promise<Outcome<NetworkLockAnswer<Name>>>;
  /** Takes calls of other nodes, waiting for some. */
  nextCalls(request: NextCalls, signal: AbortSignal): Promise<Outcome<TakenCalls>>;
  /** Tells what came of a call that was taken. */
  answerCall(id: string, answer: CallAnswer, signal: AbortSignal): Promise<Outcome<CallReceipt>>;
  /** Listens to channels until the stream ends, which it does with every outcome. Each event is the JSON it came as. */
  listenToChannels(request: RelayListen, onEvent: (event: unknown) => void, signal: AbortSignal): Promise<NotDone>;
  /** Changes to what is listened. */
  changeInterests(request: InterestChanges, signal: AbortSignal): Promise<Outcome<{ readonly known: boolean }>>;
  /** Publishes messages to other nodes. */
  publish(request: RelayPublish, signal: AbortSignal): Promise<Outcome<{ readonly taken: number }>>;
  /** Who listens on other nodes. */
  presence(
    request: RelayPresenceRequest,
    signal: AbortSignal,
  ): Promise<Outcome<{ readonly present: readonly ChannelPresence[] }>>;
  /** Cuts every connection; calls still under way end as `lost`. */
  close(): Promise<void>;
}

/** Enrols a node: the one call made without its credential. */
export type Join = (relayUrl: string, joinToken: string, node: string) => Promise<Outcome<JoinAnswer>>;
