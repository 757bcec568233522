import { z } from 'zod';

import type { ErrorCode } from '../error-catalogue.ts';
import { limits } from '../limits.ts';
import { ttlSeconds } from '../operations.ts';
import { writeAnswerSchema } from '../record.ts';
import { writeErrors } from './route.ts';

const ackQuery = {
  ack: z.enum(['local', 'relay']).optional().meta({ description: 'What to wait for; default local' }),
  timeout: z.coerce
    .number()
    .min(0)
    .max(limits.ackTimeoutSeconds)
    .optional()
    .meta({ description: 'Seconds to wait for the relay; default 2. Afterwards 202 with `"ack":"local"`' }),
};
/** Parameters of a call that writes. */
export const writeQuery = z.strictObject(ackQuery);
/** Parameters of a call that writes a document. */
export const putQuery = z.strictObject({ ...ackQuery, ttl: z.coerce.number().pipe(ttlSeconds).optional() });

/** Header of a call that writes under locks. */
export const fencing = {
  'If-Fence': 'Write only if no later lease of these locks was seen: `if_fence` of each, with commas',
};
/** Headers of a call that writes under a condition (RFC 9110 §13.1). */
export const preconditions = {
  ...fencing,
  'If-Match': 'Write only if the record has this ETag',
  'If-None-Match': '`*`: write only if there is no record',
};
/** Header of a call that is to have its effect once. */
export const idempotency = { 'Idempotency-Key': 'The same key and request again gives the first answer, once written' };

/** Errors any call that writes a document can meet. */
export const documentErrors: readonly ErrorCode[] = [
  'unsafe-document',
  'record-too-large',
  'append-only',
  ...writeErrors,
];

/** What a call that writes one record answers. */
export const writeAnswer = { kind: 'json', schema: writeAnswerSchema } as const;
