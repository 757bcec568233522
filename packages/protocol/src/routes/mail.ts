import { z } from 'zod';

import { peerName, recordId } from '../names.ts';
import { timestamp } from '../record.ts';
import { pageQuery } from './page.ts';
import { type Route, writeErrors } from './route.ts';
import { farErrors } from './tasks.ts';
import { idempotency } from './writing.ts';

/** A letter to be sent. */
export const letterBody = z.strictObject({
  to: peerName,
  subject: z.string().max(500).optional(),
  body: z.json(),
  reply_to: recordId.optional().meta({ description: 'Id of the letter it answers' }),
});

/** A letter to be sent. */
export type Letter = z.infer<typeof letterBody>;

const receivedSchema = z.object({
  id: recordId,
  from: z.string(),
  to: z.string(),
  subject: z.string().nullable(),
  body: z.json(),
  reply_to: z.string().nullable(),
  sent_at: timestamp,
  read_at: timestamp.nullable(),
});

/** A letter as the agent it is to has it. */
export type ReceivedLetter = z.infer<typeof receivedSchema>;

/** The daemon's calls about letters between agents. */
export const mailRoutes = {
  'mail.send': {
    method: 'POST',
    path: '/v1/mail',
    summary: "Put a letter into another agent's inbox; the sender is the token's agent",
    roles: ['agent', 'admin'],
    headers: idempotency,
    body: { kind: 'json', schema: letterBody },
    status: 201,
    answer: { kind: 'json', schema: z.object({ id: recordId, to: z.string(), sent_at: timestamp }) },
    errors: [
      'agent-not-found',
      'unsafe-document',
      'record-too-large',
      'idempotency-mismatch',
      ...farErrors,
      ...writeErrors,
    ],
  },
  'mail.inbox': {
    method: 'GET',
    path: '/v1/mail',
    summary: 'Letters to this agent, oldest first, a page at a time; `status=unread` for those not read yet',
    roles: ['agent', 'admin'],
    query: z.strictObject({
      status: z.enum(['unread', 'read']).optional(),
      ...pageQuery,
    }),
    status: 200,
    answer: { kind: 'json', schema: z.object({ letters: z.array(receivedSchema), next: z.string().nullable() }) },
    errors: [],
  },
  'mail.read': {
    method: 'POST',
    path: '/v1/mail/{id}/read',
    summary: 'Mark a letter as read; again changes nothing',
    roles: ['agent', 'admin'],
    params: { id: recordId },
    status: 200,
    answer: { kind: 'json', schema: receivedSchema },
    errors: ['record-not-found', ...writeErrors],
  },
} as const satisfies Record<string, Route>;
