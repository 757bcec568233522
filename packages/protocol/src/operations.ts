import { z } from 'zod';

import { ackSchema, seq, version } from './record.ts';
import { collectionName, recordId } from './names.ts';
import { issueSchema } from './errors.ts';
import { limits } from './limits.ts';

/** Seconds a record lives after this write; afterwards it is as if deleted (protocol rule 16). */
export const ttlSeconds = z.number().int().min(1).max(limits.ttlSeconds);

/** A precondition: the version the record must have, or that there must be none. */
const ifMatch = version.optional().meta({ description: 'Write only if the record has this version' });
const ifNoneMatch = z.literal('*').optional().meta({ description: 'Write only if there is no record' });

/** One operation of a batch. */
export const operationSchema = z.discriminatedUnion('op', [
  z.strictObject({
    op: z.literal('put'),
    collection: collectionName,
    id: recordId.optional().meta({ description: 'Made here when left out' }),
    doc: z.unknown().meta({ description: 'The document' }),
    ttl: ttlSeconds.optional(),
    ifMatch,
    ifNoneMatch,
  }),
  z.strictObject({
    op: z.literal('patch'),
    collection: collectionName,
    id: recordId,
    doc: z.unknown().meta({ description: 'A JSON Merge Patch (RFC 7396)' }),
    ttl: ttlSeconds.optional(),
    ifMatch,
  }),
  z.strictObject({ op: z.literal('delete'), collection: collectionName, id: recordId, ifMatch }),
]);

/** One operation of a batch. */
export type Operation = z.infer<typeof operationSchema>;

/** An atomic batch: all operations or none. */
export const batchSchema = z.array(operationSchema).min(1).max(limits.batchOperations);

/** What became of one operation that was written. */
const operationAnswerSchema = z.object({ id: recordId, version, seq });

/** Answer to an atomic batch. */
export const batchAnswerSchema = z.object({ results: z.array(operationAnswerSchema), ack: ackSchema });

/** One answer line of an NDJSON batch: written, or refused with the reason. `line` counts from 1. */
export const batchLineSchema = z.union([
  operationAnswerSchema.extend({ line: z.number().int() }),
  z.object({
    line: z.number().int(),
    error: z.object({ code: z.string(), detail: z.string(), issues: z.array(issueSchema).optional() }),
  }),
]);

/** One answer line of an NDJSON batch. */
export type BatchLine = z.infer<typeof batchLineSchema>;

/**
 * The last line of an NDJSON batch's answer. `stoppedAt` is the line that could not be read at all: it and everything
 * after it were not looked at.
 */
export const batchEndSchema = z.object({
  end: z.literal(true),
  count: z.number().int().meta({ description: 'Lines answered before this one' }),
  written: z.number().int(),
  stoppedAt: z.number().int().optional(),
  error: z.object({ code: z.string(), detail: z.string() }).optional(),
});

/** The last line of an NDJSON batch's answer. */
export type BatchEnd = z.infer<typeof batchEndSchema>;
