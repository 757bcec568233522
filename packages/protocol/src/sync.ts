import { z } from 'zod';

import { limits } from './limits.ts';
import { fence } from './locks.ts';
import { agentName, collectionName, nodeName, recordId, resourceName } from './names.ts';
import { seq, version } from './record.ts';

/** The wire version this code speaks, sent as `Holdfast-Protocol` (protocol rule 20). */
export const PROTOCOL_VERSION = 3;

/** The oldest version a relay of this release still accepts. */
export const OLDEST_PROTOCOL_VERSION = 1;

/** Every wire version, newest last, and what it changed. */
export const protocolHistory: readonly string[] = Object.freeze([
  '1: sessions, batches of one stream, single changes',
  '2: digests in sessions and batches, comparing by buckets, copying an agent back, taking over a node, how much waits',
  '3: the feed, and records that all nodes share',
]);

const ms = z.number().int().min(0);
const hex = (digits: number): z.ZodString => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));

/** Names one life of a data file or daemon: 128 random bits in hexadecimal. */
export const randomId = hex(32);

/**
 * A digest of an agent's records (protocol rule 12), 64 bits in hexadecimal: XOR over the first 64 bits of the content
 * hashes of all records both sides keep for good, tombstones too. Records that expire are no part of it, as each side
 * sweeps them on its own; nor are those the relay rejected.
 */
const digestSchema = hex(16);

/** Up to where the relay holds a stream: the seq and version of the last change it took. */
export const cursorSchema = z.object({ seq, version });

/** Up to where the relay holds a stream. */
export type Cursor = z.infer<typeof cursorSchema>;

/**
 * One change as it travels: the record's latest state. `hash` is that of the document's text (`contentHash` in store),
 * so that the relay can prove it stored the bytes the node has.
 */
export const changeSchema = z.object({
  seq: seq.min(1),
  resource: resourceName,
  collection: collectionName,
  id: recordId,
  version,
  createdAtMs: ms,
  updatedAtMs: ms,
  expiresAtMs: ms.nullable(),
  deleted: z.boolean(),
  hash: hex(32),
  doc: z.unknown().meta({ description: 'The document; null when deleted' }),
});

/** One change as it travels. */
export type Change = z.infer<typeof changeSchema>;

/** What waits of an agent on its node when a session is asked for. */
const waitingSchema = z.object({
  agent: agentName,
  seq: seq.meta({ description: 'The last seq of its stream: what is waiting is not above' }),
  changes: z
    .number()
    .int()
    .min(0)
    .nullable()
    .meta({ description: 'Changes the relay has not taken yet; null: not known, as the file does not serve' }),
});

/** What waits of an agent on its node. */
export type WaitingChanges = z.infer<typeof waitingSchema>;

/** Opens or renews the node's session (protocol rule 7). */
export const sessionRequestSchema = z.object({
  boot: randomId.meta({ description: 'This start of the daemon' }),
  predecessors: z
    .array(randomId)
    .max(100)
    .meta({ description: 'Earlier starts it goes on from, the last one first; empty for the first' }),
  waiting: z.array(waitingSchema).max(10_000).optional().meta({
    description: 'What waits to be sent: of an agent that is not named nothing does. Left out while that is not known',
  }),
  fence: fence.optional().meta({ description: 'The highest fence of a lock of the network that the node has seen' }),
});

/** Opens or renews the node's session. */
export type SessionRequest = z.infer<typeof sessionRequestSchema>;

/** Where the relay stands in a stream. */
const streamCursorSchema = z.object({
  agent: agentName,
  incarnation: randomId,
  cursor: cursorSchema,
  digest: digestSchema.meta({ description: "Of all the relay's records of the agent, by whichever stream they came" }),
});

/** Answer to a session request: where the relay stands in each of the node's streams. */
export const sessionAnswerSchema = z.object({
  node: nodeName,
  epoch: randomId.meta({ description: "This life of the relay's database" }),
  leaseSeconds: z.number().int().meta({ description: 'Renew well before; another boot may take over afterwards' }),
  nowMs: ms.meta({ description: "The relay's clock" }),
  streams: z.array(streamCursorSchema),
});

/** Answer to a session request. */
export type SessionAnswer = z.infer<typeof sessionAnswerSchema>;

/**
 * First line of a batch (NDJSON, protocol rule 4): what the node believes, and what it brings. The changes follow, one
 * a line, in seq order. `count` shows a body that was cut.
 */
export const batchHeaderSchema = z.object({
  boot: randomId,
  agent: agentName,
  incarnation: randomId,
  base: cursorSchema.meta({ description: 'Where the node believes the relay stands' }),
  upto: cursorSchema.meta({ description: 'Where the relay stands once it took these changes' }),
  count: z
    .number()
    .int()
    .min(0)
    .max(limits.syncBatchChanges)
    .meta({ description: 'Changes that follow; none only moves the cursor over what cannot be sent' }),
  waiting: z
    .number()
    .int()
    .min(0)
    .optional()
    .meta({ description: 'About how many changes of the agent wait on the node behind these' }),
  digest: digestSchema
    .optional()
    .meta({ description: "Of the agent's records as they are once this is taken; there if nothing else waits then" }),
});

/** First line of a batch. */
export type BatchHeader = z.infer<typeof batchHeaderSchema>;

/** A change the relay would not take, and why; it stands in the relay's dead letters (protocol rule 8). */
export const rejectSchema = z.object({ seq, code: z.string(), reason: z.string() });

/** A change the relay would not take, and why. */
export type Reject = z.infer<typeof rejectSchema>;

/** Answer to a batch, after the relay's commit. */
export const batchReceiptSchema = z.object({
  cursor: cursorSchema,
  rejects: z.array(rejectSchema),
  digest: digestSchema.optional().meta({
    description:
      "The relay's, if the batch carried one and both speak of the same records: equal, or there is a difference",
  }),
});

/** Answer to a batch. */
export type BatchReceipt = z.infer<typeof batchReceiptSchema>;

/** One change for a caller that waits (protocol rule 5). It merges and leaves the cursor alone. */
export const immediateSchema = z.object({
  boot: randomId,
  agent: agentName,
  incarnation: randomId,
  change: changeSchema,
});

/** One change for a caller that waits. */
export type ImmediateRequest = z.infer<typeof immediateSchema>;

/** Answer to a single change, after the relay's commit. */
export const immediateReceiptSchema = z.object({ rejects: z.array(rejectSchema) });

/** A start of a node's daemon, by what its versions end with, and the start it went on from (protocol rule 7). */
const startEntrySchema = z.object({ start: hex(8), parent: hex(8).nullable() });

/** A start of a node's daemon, and the start it went on from. */
export type StartEntry = z.infer<typeof startEntrySchema>;

const starts = z.array(startEntrySchema).default([]).meta({
  description: 'The starts of the node, in the order they became known here: they tell which of two writes came later',
});

/** What the relay holds of a stream above a seq, in seq order (protocol rule 6). */
export const streamPageSchema = z.object({
  cursor: cursorSchema,
  starts,
  changes: z.array(changeSchema),
  more: z.boolean().meta({ description: 'Whether there are changes above the last one listed' }),
});

/** What the relay holds of a stream above a seq. */
export type StreamPage = z.infer<typeof streamPageSchema>;

/** Buckets an agent's records are compared by (protocol rule 12). */
export const DIGEST_BUCKETS = 256;

/** The digests of an agent's records at the relay, bucket by bucket. */
export const bucketsSchema = z.object({
  digest: digestSchema,
  buckets: z
    .array(digestSchema)
    .length(DIGEST_BUCKETS)
    .meta({ description: 'Record keys fall into buckets by `bucketOf`' }),
  starts,
});

/** The digests of an agent's records at the relay, bucket by bucket. */
export type Buckets = z.infer<typeof bucketsSchema>;

/**
 * A part of all that the relay holds of an agent, by whichever of its streams it came, tombstones too. A change's seq is
 * its place in the stream that brought it.
 */
export const copyPageSchema = z.object({
  changes: z.array(changeSchema),
  next: z
    .string()
    .max(200)
    .nullable()
    .meta({ description: 'Give it back as `after` for the next page; null: that was all' }),
  leftOut: z
    .number()
    .int()
    .nonnegative()
    .meta({ description: 'Records of this part that rotted at the relay beyond what a change can say' }),
});

/** A part of all that the relay holds of an agent. */
export type CopyPage = z.infer<typeof copyPageSchema>;

/** A place in the feed, as the relay gives it; means something to that relay alone (protocol rule 13). */
export const feedCursor = z
  .string()
  .regex(/^[0-9a-f]{32}(\.\d{1,15}){1,2}$/, { error: 'a cursor is what the feed gave' })
  .meta({ description: 'A place in the feed, as a page before gave it' });

/** The life of the relay's database that a cursor of the feed is of. */
export function feedEpoch(cursor: string): string {
  return cursor.slice(0, 32);
}

/** A change as the feed tells it: with whose record it is. One that is shared is told of the node that wrote it last. */
export const feedChangeSchema = changeSchema.extend({ node: nodeName, agent: agentName });

/** A change as the feed tells it. */
export type FeedChange = z.infer<typeof feedChangeSchema>;

/** What a node may read at the relay, so that it notices when that changed: a record that was passed over does not come by itself. */
const feedRightsSchema = z.object({
  mark: hex(16).meta({ description: 'Another one once the node may read more or less than before' }),
  collections: z
    .array(z.string())
    .meta({ description: 'Of which its agents may read what all agents of their resource wrote; `*`: of all' }),
});

/** What a node may read at the relay. */
export type FeedRights = z.infer<typeof feedRightsSchema>;

/** A part of the feed: what changed after a place in it, each record once, as it is now (protocol rule 13). */
export const feedPageSchema = z.object({
  changes: z.array(feedChangeSchema),
  cursor: feedCursor.meta({ description: 'Where the page ends: ask for what comes after it' }),
  more: z.boolean().meta({ description: 'Whether there may be more already' }),
  stream: cursorSchema.nullable().meta({
    description: 'Where the relay stands in the stream of shared records that was asked about; null: none was',
  }),
  rights: feedRightsSchema.nullable().meta({ description: 'What the asking node may read; null: a person asked' }),
});

/** A part of the feed. */
export type FeedPage = z.infer<typeof feedPageSchema>;

/** Last line of a part of the feed that is read line by line. */
export const feedEndSchema = feedPageSchema.omit({ changes: true }).extend({ end: z.literal(true), count: z.number() });

/** Enrols a node. */
export const joinRequestSchema = z.strictObject({ node: nodeName });

/** The new node's credential, shown this once. */
export const joinAnswerSchema = z.object({ node: nodeName, credential: z.string(), epoch: randomId });

/** The new node's credential. */
export type JoinAnswer = z.infer<typeof joinAnswerSchema>;
