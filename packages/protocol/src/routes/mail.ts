import { z } from 'zod';

import { peerName, recordId } from '../names.ts';
import { timestamp } from '../record.ts';
import { pageQuery } from './page.ts';
import { type Route, writeErrors } from './route.ts';
import { idempotency } from './writing.ts';

const letterBody = z.strictObject({
  to: peerName,
  subject: z.string().max(500).optional(),
  body: z.json(),
  reply_to: recordId.optional().meta({ description: 'Id of the letter it answers' }),
});

/** A letter to be sent. */
export type Letter = z.infer<typeof letterBody>;

const sentSchema = z.object({
  id: recordId,
  to: z.string(),
  sent_at: timestamp,
  state: z.enum(['delivered', 'on-its-way']).meta({
    description:
      '`delivered`: it is in the inbox; `on-its-way`: it is safe here, and goes to the other node when both are connected',
  }),
});

/** A letter that was taken. */
export type SentLetter = z.infer<typeof sentSchema>;

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
    summary:
      "Send a letter; the sender is the token's agent. To an agent of another node it goes by the relay, also after an outage",
    roles: ['agent', 'admin'],
    headers: idempotency,
    body: { kind: 'json', schema: letterBody },
    status: 201,
    answer: { kind: 'json', schema: sentSchema },
    errors: [
      'agent-not-found',
      'unsafe-document',
      'record-too-large',
      'idempotency-mismatch',
      'not-enrolled',
      'node-not-found',
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
