const KIB = 1024;
const MIB = 1024 * KIB;

/**
 * Every fixed bound of the protocol, in one place. Bounds an operator may move are configuration
 * (see `config/`); these are not, because both sides of the sync must agree on them.
 */
export const limits = Object.freeze({
  /** One record's document as JSON text, in UTF-8 bytes. Larger content belongs in a document store. */
  recordBytes: MIB,
  /** Nesting of arrays and objects in a document. */
  documentDepth: 64,
  /** Keys and array items in one document, counted over all levels. */
  documentValues: 100_000,
  /** A JSON request body, as sent. */
  bodyBytes: 16 * MIB,
  /** A gathered request body after decompression: no more than one may be when sent plainly. */
  decompressedBodyBytes: 16 * MIB,
  /** Operations in one atomic batch. */
  batchOperations: 1_000,
  /** One line of an NDJSON stream: a record and its envelope. */
  lineBytes: MIB + 16 * KIB,
  /** Changes in one sync batch (protocol rule 10). */
  syncBatchChanges: 1_000,
  /** Bytes of changes in one sync batch before compression (protocol rule 10). */
  syncBatchBytes: 4 * MIB,
  /** Length of a record id, in UTF-16 code units. */
  idLength: 255,
  /** Records in one page of a query. */
  pageRecords: 1_000,
  /** Bytes of documents in one page: it ends after the record that reaches them. */
  pageBytes: 8 * MIB,
  /** Fields that the conditions of one query name. */
  queryConditions: 32,
  /** Nesting of `and`, `or` and `not` in one query. */
  queryDepth: 8,
  /** Values in one `in` list. */
  queryListValues: 500,
  /** Metrics in one aggregate. */
  queryMetrics: 16,
  /** Groups an aggregate answers with. */
  queryGroups: 1_000,
  /** Fields in one declaration, counted over all levels. */
  declaredFields: 200,
  /** Nesting of objects and lists in a declaration. */
  declaredDepth: 8,
  /** Indexes of one collection. */
  declaredIndexes: 16,
  /** Fields of one index. */
  indexFields: 4,
  /** Indexes of all collections an agent declared; a search counts as one. SQLite looks at each of them with every write. */
  agentIndexes: 128,
  /** Indexes that a relay builds for all collections that its nodes declared; it lists more and does without them. */
  relayIndexes: 256,
  /** Searched fields of one collection. */
  searchedFields: 8,
  /** Values a field may be limited to. */
  fieldValues: 200,
  /** Longest declared retention, in days: a hundred years. */
  retentionDays: 36_500,
  /** Most records a declared retention keeps. */
  retentionRecords: 1_000_000_000,
  /** A line of help, in UTF-16 code units. */
  helpLength: 500,
  /** Words and phrases in one search. */
  searchTerms: 32,
  /** Length of the token of a page's end in a URL, in UTF-16 code units. */
  pageTokenLength: 4_000,
  /** Addresses in one answer about candidates that are there more than once. */
  duplicateGroups: 1_000,
  /** Candidates named for one address. */
  duplicateCandidates: 100,
  /** Matches in one answer. */
  matches: 100,
  /** Candidates looked at for one answer with matches. */
  matchedCandidates: 10_000,
  /** How far ahead interviews are listed, in days. */
  upcomingDays: 366,
  /** Longest wait of a node for the relay's answer to a query, in seconds: shorter than clients wait for the node's. */
  networkQuerySeconds: 20,
  /** What one node asks of another, or answers, as JSON text in UTF-8 bytes. */
  callBytes: 256 * KIB,
  /** Longest wait for the answer of another node, in seconds. */
  callSeconds: 30,
  /** Longest wait of a node for calls, in seconds: then it asks again. */
  callWaitSeconds: 25,
  /** Longest wait for a change at the end of the feed, in seconds: then it is asked for again. */
  feedWaitSeconds: 25,
  /** Letters that a node holds for agents that are not there, or whose files do not serve. */
  heldLetters: 10_000,
  /** How long a letter to an agent that is not there is held, in seconds: 30 days. */
  heldLetterSeconds: 2_592_000,
  /** Longest wait for a task in one claim, in seconds. */
  claimWaitSeconds: 25,
  /** Names in one of the lists that narrow the feed. */
  feedNames: 100,
  /** Subscriptions of one node. */
  subscriptions: 16,
  /** A message on a channel, as JSON text in UTF-8 bytes. */
  messageBytes: 64 * KIB,
  /** How long a durable message is kept unless its publisher says otherwise, in seconds: a day. */
  durableMessageSeconds: 86_400,
  /** Longest time a durable message is kept, in seconds: thirty days. */
  longestDurableMessageSeconds: 2_592_000,
  /** Durable messages of the whole network that a node keeps: it takes no further ones of its agents beyond it. */
  durableMessages: 1_000_000,
  /** Messages a node sends its relay at once. */
  messagesAtOnce: 256,
  /** Stars in one pattern of channels. */
  patternStars: 8,
  /** Patterns to which agents of one node listen, at one time. */
  interests: 10_000,
  /** How long an event stream is silent at most, in seconds: then a comment tells that it lasts. */
  eventHeartbeatSeconds: 15,
  /** Longest time a lock is held without being renewed, in seconds. */
  leaseSeconds: 86_400,
  /** Longest wait for a lock in one call, in seconds. */
  lockWaitSeconds: 60,
  /** Locks held at once, of a node or of the network. */
  locks: 100_000,
  /** Calls that wait for locks at once, of a node or of the network. */
  lockWaiters: 10_000,
  /** Locks one write may be done under. */
  fenceProofs: 16,
  /** Locks of each scope whose highest fence an agent's file remembers. */
  seenFences: 10_000,
  /** Rows of an answer to a statement in SQL, unless it is streamed. */
  sqlRows: 10_000,
  /** Longest time a caller may wait for the relay's acknowledgement, in seconds. */
  ackTimeoutSeconds: 30,
  /** Most that may be taken of a rate limit in one window. */
  rateLimit: 1_000_000_000,
  /** Longest window of a rate limit, in seconds: a day. */
  rateWindowSeconds: 86_400,
  /** Rate limits of one agent that are counted at once, over all its resources. */
  countedLimits: 10_000,
  /** Tags of one cached value, and collections it depends on. */
  cacheLabels: 16,
  /** Length of a tag, in UTF-16 code units. */
  cacheTagLength: 100,
  /** Longest time a caller may take to compute a value that others wait for, in seconds. */
  cacheComputeSeconds: 300,
  /** Longest time to live, in seconds: ten years. */
  ttlSeconds: 315_360_000,
  /** How long an idempotency key is remembered, in seconds. */
  idempotencySeconds: 86_400,
});
