import { z } from 'zod';

import { VERSION_PATTERN } from './hlc.ts';
import { collectionName, recordId, resourceName } from './names.ts';

/** A time in answers: RFC 3339, UTC, with milliseconds. */
export const timestamp = z.iso.datetime({ precision: 3 }).meta({ example: '2026-11-20T10:54:56.123Z' });

/** A version (see `hlc.ts`); also a record's ETag. */
export const version = z
  .string()
  .regex(VERSION_PATTERN)
  .meta({ description: 'Version: higher wins', example: '0192f0c1a2b3-0001-7f3a9c21' });

/** Position of a change in its agent's stream, from 1. */
export const seq = z.number().int().min(0);

/** The key of a record inside one agent. */
const recordKeySchema = z.object({ resource: resourceName, collection: collectionName, id: recordId });

/** The key of a record inside one agent. */
export type RecordKey = z.infer<typeof recordKeySchema>;

/** A record's document in an answer to a query. */
export const answeredDocument = z.json().meta({ description: 'The document, or the selected part of it' });

/** A record as queries answer it. On the relay, `node` and `agent` say whose it is. */
export const recordSchema = z.object({
  node: z.string().optional(),
  agent: z.string().optional(),
  resource: resourceName.optional().meta({ description: 'Left out when the record has none' }),
  collection: collectionName,
  id: recordId,
  version,
  created_at: timestamp,
  updated_at: timestamp,
  expires_at: timestamp.optional(),
  doc: answeredDocument,
});

/** A record as queries answer it. */
export type Record = z.infer<typeof recordSchema>;

/** How far a write has come when it is answered: on this machine's disk, or also on the relay's. */
export const ackSchema = z.enum(['local', 'relay']);

/** Answer to a write. */
export const writeAnswerSchema = z.object({
  id: recordId,
  version,
  seq: seq.meta({ description: "Position of the change in the agent's stream" }),
  ack: ackSchema,
});

/** Answer to a write. */
export type WriteAnswer = z.infer<typeof writeAnswerSchema>;
